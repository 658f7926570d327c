/** What the page does besides its parts: keys, title, notifications. */
import { keepEarlyWords } from "./early_words.js";
import { listenToKeys } from "./keyboard.js";
import { watchTheWork } from "./notify.js";
import { learnRights } from "./rights.js";
import { giveTips } from "./tips.js";
import { listenForWeights } from "./weights.js";

keepEarlyWords();
learnRights();
listenToKeys();
watchTheWork();
giveTips();
listenForWeights();
