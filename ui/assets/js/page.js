/** What the page does besides its parts: keys, title, notifications. */
import { listenToKeys } from "./keyboard.js";
import { watchTheWork } from "./notify.js";
import { listenForWeights } from "./weights.js";

listenToKeys();
watchTheWork();
listenForWeights();
