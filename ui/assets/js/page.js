/** What the page does besides its parts: keys, title, notifications. */
import { keepEarlyWords } from "./early_words.js";
import { listenToKeys } from "./keyboard.js";
import { watchTheWork } from "./notify.js";
import { giveTips } from "./tips.js";
import { listenForWeights } from "./weights.js";

keepEarlyWords();
listenToKeys();
watchTheWork();
giveTips();
listenForWeights();
