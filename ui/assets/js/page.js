/** What the page does besides its parts: keys, title, notifications. */
import { keepEarlyWords } from "./early_words.js";
import { listenToKeys } from "./keyboard.js";
import { watchTheWork } from "./notify.js";
import { keepTheme } from "./theme.js";
import { listenForWeights } from "./weights.js";

keepTheme();
keepEarlyWords();
listenToKeys();
watchTheWork();
listenForWeights();
