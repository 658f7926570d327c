/** Making a generation again, and telling whether the pixels are the same. */
import { getJSON, postJSON } from "./api.js";
import { subscribe } from "./events.js";

const OVER = new Set(["completed", "failed", "cancelled"]);

/**
 * Put the same job in the queue.
 *
 * @param {{generation_id: string}} item a picture of the library
 * @param {function(string, boolean): void} say hears sentences, first what is to be expected and in the end how the
 *   pixels compare, each with whether it is bad news
 */
export async function replay(item, say) {
  const path = `api/generations/${encodeURIComponent(item.generation_id)}/replay`;
  const { job_id: job, differs } = await postJSON(path, {});
  const change = differs?.length > 0 ? ` Other pixels are to be expected: ${listed(differs)}` : "";
  say(`The same job waits in the queue.${change}`, false);
  await over(job);
  const made = await getJSON(`${path}/${encodeURIComponent(job)}`);
  say(verdict(made), made.status === "failed");
}

function verdict({ status, error, equal, differs, pictures }) {
  if (status === "cancelled") return "The same job was cancelled.";
  if (status === "failed") return `The same job failed: ${error}`;
  if (equal === true) return "Made again: every pixel is the same.";
  const why = differs?.length > 0 ? ` ${listed(differs)}` : "";
  if (equal === null) return `Made again, but there is nothing to compare with any more.${why}`;
  const largest = Math.max(...pictures.map(({ difference }) => difference ?? 255));
  return `Made again: the pixels differ, by up to ${largest} of 255.${why}`;
}

function listed(sentences) {
  return `${sentences.map((sentence) => sentence.replace(/\.$/, "")).join("; ")}.`;
}

/** Kept when the job is over. */
function over(id) {
  return new Promise((done) => {
    const look = async () => {
      // Without an answer the next piece of news asks again.
      const job = await getJSON(`api/queue/${encodeURIComponent(id)}`).catch(() => null);
      if (job !== null && OVER.has(job.status)) finish();
    };
    const finish = () => {
      leave();
      done();
    };
    const leave = subscribe((name, data) => {
      if (data.job?.id === id && OVER.has(data.job.status)) finish();
      else if (name === "caught_up") look();
    });
    // It may have ended before anybody listened.
    look();
  });
}
