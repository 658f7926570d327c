/**
 * What the key of this browser is for: what it isn't for is not offered. Elements say what they need by
 * data-needs, and the style sheet hides them. The server decides, whatever is shown here.
 */
import { getJSON } from "./api.js";

export async function learnRights() {
  try {
    const { scope } = await getJSON("api/caller");
    document.documentElement.dataset.scope = scope;
  } catch {
    // Then everything is shown, and the server says what it refuses.
  }
}
