/** Who is told of a job's end, and how far that is, for the job's details. */
import { h } from "./dom.js";
import { moment } from "./format.js";

const SOURCES = { job: "named by the request", key: "named by the key" };

/**
 * @param {Array<Object>} webhooks as GET /queue/{id}/webhooks lists them
 * @returns {Array<Node>} nothing if there are none
 */
export function webhookLines(webhooks) {
  if (webhooks.length === 0) return [];
  return [h("h3", {}, webhooks.length === 1 ? "Webhook" : "Webhooks"), h("ul", { class: "st-webhooks" }, webhooks.map(line))];
}

function line(webhook) {
  return h("li", {},
    h("div", {}, h("strong", {}, webhook.origin), `, ${SOURCES[webhook.source] ?? webhook.source}: ${state(webhook)}`),
    webhook.error && h("p", { class: "st-job-error" }, webhook.error));
}

function state({ state, tries, next_try_at: next, ended_at: ended }) {
  const tried = tries === 1 ? "1 try" : `${tries} tries`;
  switch (state) {
    case "planned": return "will be told when the job is over";
    case "waiting": return tries === 0 ? "is being told" : `not told after ${tried}, next try: ${moment(next)}`;
    case "delivered": return `told${tries === 1 ? "" : ` after ${tried}`}, ${moment(ended)}`;
    default: return `given up after ${tried}`;
  }
}
