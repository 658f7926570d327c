/**
 * The stage beside a form: its jobs of this browser tab, the latest pictures large and earlier ones small.
 */
import { getJSON } from "./api.js";
import { h } from "./dom.js";
import { subscribe } from "./events.js";
import { Followed, picturesOf } from "./followed.js";
import { percent } from "./format.js";
import { inputPath } from "./painter_source.js";
import { rememberSeed } from "./seeds.js";
import { StagePicture } from "./stage_picture.js";
import { StageWork } from "./stage_work.js";
import { toast } from "./toast.js";

const EMPTY = {
  txt2img: ["Your pictures will be here", "Write what the picture should show, then press Generate."],
  variations: ["Variations will be here", "Choose a picture, say how far to go, then press Make variations."],
  edit: ["The result will be here", "Open a picture, paint what should change, then press the button."],
};

/** @param {{element: HTMLElement, props: Object, trigger: function, watch: function}} component */
export function mount({ element, props, trigger, watch }) {
  const stage = new Stage(props.form, (id) => trigger("vary", { image_id: id }));
  element.replaceChildren(stage.root);
  watch("value", () => stage.followed.add(props.value?.jobs ?? []));
  if (props.value?.jobs) stage.followed.add(props.value.jobs);
}

class Stage {
  #shots = new Map();
  #loved = new Set();
  #frame = 0;

  constructor(form, vary) {
    this.form = form;
    this.vary = vary;
    const [title, hint] = EMPTY[form] ?? EMPTY.txt2img;
    this.empty = h("div", { class: "st-empty st-stage-empty" }, h("h3", {}, title), h("p", {}, hint));
    this.coming = h("div", { class: "st-coming", "aria-hidden": "true" });
    this.latest = h("div", { class: "st-latest" });
    this.earlier = h("div", { class: "st-earlier" });
    this.earlierHead = h("h3", {}, "Earlier");
    this.said = h("p", { class: "st-offscreen", role: "status" });
    this.followed = new Followed(form, () => this.#schedule());
    this.work = new StageWork(this.followed);
    this.root = h("section", { class: "st-stage", "aria-label": "Results" },
      this.work.root, this.empty, this.coming, this.latest, this.earlierHead, this.earlier, this.said);
    subscribe((name, data) => this.#hear(name, data));
    this.draw();
    if (this.followed.jobs.size > 0) this.#learnHearts();
  }

  /** Several pieces of news in one frame are one drawing. */
  #schedule() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.draw());
    // A page out of sight has no frames.
    if (document.hidden) setTimeout(() => this.draw(), 0);
  }

  draw() {
    const jobs = this.followed.list;
    const done = jobs.filter((job) => job.status === "completed" && (job.image_ids ?? []).length > 0);
    const isBusy = jobs.some((job) => job.status === "processing" || job.status === "pending");
    this.work.draw(jobs);
    this.empty.hidden = jobs.length > 0 || this.followed.jobs.size > 0;
    this.#drawComing(done.length === 0 && isBusy ? this.work.running : null);
    this.#drawLatest(done[0] ?? null);
    const earlier = done.slice(1).flatMap((job) => picturesOf(job).map((item) => this.#shot(item)));
    for (const shot of earlier) shot.enlarge(false);
    arrange(this.earlier, earlier.map((shot) => shot.root));
    this.earlierHead.hidden = earlier.length === 0;
  }

  /** Before the first picture, its place and how far it is. */
  #drawComing(job) {
    this.coming.hidden = job === null;
    if (job === null) return;
    const [width, height] = job.size.split("x").map(Number);
    this.coming.style.setProperty("--st-ratio", String(width / height));
    this.coming.style.setProperty("--st-width", `${width}px`);
    this.coming.textContent = job.status === "processing" ? percent(job.progress ?? 0) : "";
  }

  #drawLatest(job) {
    this.latest.hidden = job === null;
    if (job === null) return arrange(this.latest, []);
    const shots = picturesOf(job).map((item) => this.#shot(item));
    for (const shot of shots) shot.enlarge(true);
    const isNew = this.latest.dataset.job !== job.id;
    this.latest.dataset.job = job.id;
    // An edit is laid over its source, on its own picture.
    const source = this.form !== "edit" && job.source_image_id ? this.#source(job.source_image_id) : null;
    const shown = [source, ...shots.map((shot) => shot.root)].filter(Boolean);
    this.latest.dataset.count = shown.length > 2 ? "many" : String(shown.length);
    arrange(this.latest, shown);
    if (isNew) {
      rememberSeed(this.form, job.seed);
      this.said.textContent = shots.length === 1 ? "Your picture is ready." : `${shots.length} pictures are ready.`;
    }
    return undefined;
  }

  #source(id) {
    const known = this.latest.querySelector(".st-source");
    if (known?.dataset.input === id) return known;
    return h("figure", { class: "st-shot st-source", "data-input": id },
      h("img", { src: `${inputPath(id)}?thumb=512`, alt: "The picture it came from" }), h("figcaption", {}, "Source"));
  }

  #shot(item) {
    const known = this.#shots.get(item.id);
    if (known !== undefined) return known;
    const shot = new StagePicture({ ...item, favourite: this.#loved.has(item.id) }, { form: this.form, open: (opened) => this.#open(opened), vary: this.vary });
    this.#shots.set(item.id, shot);
    return shot;
  }

  async #open(item) {
    try {
      const { openLightbox } = await import("./lightbox.js");
      const shown = this.followed.list.filter((job) => job.status === "completed").flatMap(picturesOf).map(({ id }) => this.#shots.get(id)?.item).filter(Boolean);
      openLightbox(shown, shown.indexOf(item), { onChange: (change) => this.#change(change) });
    } catch (error) {
      toast(error.message, "bad");
    }
  }

  #change({ item, deleted }) {
    if (item) this.#shots.get(item.id)?.take({ favourite: item.favourite, tags: item.tags });
    if (deleted) this.#lose([deleted]);
  }

  /** Pictures that were deleted leave the stage. */
  #lose(ids) {
    for (const job of this.followed.list) {
      if (job.image_ids) job.image_ids = job.image_ids.filter((id) => !ids.includes(id));
    }
    this.draw();
  }

  #hear(name, data) {
    if (name === "images_changed") {
      const shown = data.ids.filter((id) => this.#shots.has(id));
      if (shown.length > 0) this.#learn(shown);
    } else if (name === "caught_up") {
      this.#learnHearts();
    }
  }

  async #learn(ids) {
    for (const id of ids) {
      try {
        const item = await getJSON(`api/images/${encodeURIComponent(id)}/info`);
        this.#shots.get(id)?.take({ favourite: item.favourite, tags: item.tags });
      } catch (error) {
        if (error.status === 404) this.#lose([id]);
      }
    }
  }

  /** After a reload: which of the shown ones are favourites. */
  async #learnHearts() {
    try {
      const { items } = await getJSON("api/library?favourite=1&limit=200");
      this.#loved = new Set(items.map((item) => item.id));
      for (const [id, shot] of this.#shots) shot.take({ favourite: this.#loved.has(id) });
    } catch {
      // Hearts are shown empty then; the lightbox asks by itself.
    }
  }
}

/** Have `parent` hold exactly these, without moving what is in place. */
function arrange(parent, children) {
  const isSame = children.length === parent.children.length && children.every((child, index) => child === parent.children[index]);
  if (!isSame) parent.replaceChildren(...children);
}
