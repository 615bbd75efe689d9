// What the pages do better with JavaScript: drop, paste and preview files, show progress, fade between two pictures.
// Without it every form still works. Nothing here asks any other server, and nothing is stored.

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

// ---- The two pictures of a report, one over the other ----

function stackPictures(pictures) {
  const [image, heat] = pictures.querySelectorAll("img");
  const caption = pictures.querySelector("figcaption");
  const { label, low, high } = pictures.dataset;
  const slider = element("input", { type: "range", min: 0, max: 100, value: 0 });
  slider.setAttribute("aria-label", label);
  const show = () => {
    heat.style.opacity = slider.value / 100;
    slider.setAttribute("aria-valuetext", `${slider.value} %`);
  };
  slider.addEventListener("input", show);
  show();
  const ends = (text) => element("span", { className: "quiet", textContent: text, ariaHidden: "true" });
  pictures.classList.add("stacked");
  pictures.replaceChildren(
    element("div", { className: "stack" }, image, heat),
    element("div", { className: "slider" }, ends(low), slider, ends(high)),
    element("p", { className: "quiet", textContent: caption.textContent }),
  );
}

function enhanceReports(root) {
  root.querySelectorAll("[data-heat]:not(.stacked)").forEach(stackPictures);
}

// ---- Examine ----

class Chosen {
  // One chosen file: its row in the list, and its way to the server.
  constructor(file, texts, onRemove) {
    this.file = file;
    this.texts = texts;
    this.name = file.name || "image";
    this.state = element("span", { className: "quiet" });
    this.bar = element("progress", { max: 1, value: 0, hidden: true });
    this.bar.setAttribute("aria-label", this.name);
    this.button = element("button", { type: "button", className: "plain", textContent: texts.remove });
    this.button.setAttribute("aria-label", `${texts.remove}: ${this.name}`);
    this.button.addEventListener("click", () => onRemove(this));
    const body = element("div", {}, element("bdi", { textContent: this.name }), element("div", {}, this.state), this.bar);
    this.row = element("li", {}, this.preview(), body, this.button);
  }

  preview() {
    const blank = element("span", { className: "blank" });
    if (!/^image\/(png|jpeg|webp|gif|avif)$/.test(this.file.type)) return blank;
    this.url = URL.createObjectURL(this.file);
    const image = element("img", { alt: "", src: this.url });
    image.addEventListener("error", () => image.replaceWith(blank));
    return image;
  }

  forget() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.row.remove();
  }

  say(text) {
    this.state.textContent = fill(text, { name: this.name });
  }

  stop(text) {
    this.say(text);
    this.bar.hidden = true;
    this.button.hidden = false;
  }

  // Resolves to the elements that the server answered with.
  send(form) {
    const body = new FormData();
    for (const field of form.querySelectorAll("input[type=password]")) body.append(field.name, field.value);
    body.append("file", this.file, this.name);
    this.button.hidden = true;
    this.bar.hidden = false;
    this.say(this.texts.sending);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.setRequestHeader("Accept", "text/html");
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) this.bar.value = event.loaded / event.total;
      });
      request.upload.addEventListener("load", () => {
        this.bar.removeAttribute("value");
        this.say(this.texts.working);
      });
      request.addEventListener("load", () => resolve([...parsed(request.responseText).querySelectorAll("[data-result]")]));
      request.addEventListener("error", reject);
      request.send(body);
    });
  }
}

class ExamineForm {
  constructor(form) {
    this.form = form;
    this.texts = form.dataset;
    this.input = form.querySelector("input[type=file]");
    this.list = form.querySelector("[data-chosen]");
    this.status = form.querySelector("[data-status]");
    this.submit = form.querySelector("button:not([type])");
    this.results = document.querySelector("[data-results]");
    this.chosen = [];
    this.shown = this.results.querySelectorAll("[data-result]").length;
    const hint = form.querySelector("[data-script-hint]");
    hint.textContent = hint.dataset.scriptHint;
    this.input.required = false;
    this.input.addEventListener("change", () => {
      this.add(this.input.files);
      this.input.value = "";
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.examine();
    });
    this.takeDrops(form.querySelector("[data-drop]"));
    document.addEventListener("paste", (event) => this.add(event.clipboardData?.files ?? []));
  }

  takeDrops(zone) {
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) zone.classList.remove("over");
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      this.add(event.dataTransfer?.files ?? []);
    });
  }

  add(files) {
    for (const file of files) {
      const one = new Chosen(file, this.texts, (removed) => {
        this.remove(removed);
        this.input.focus();
      });
      this.chosen.push(one);
      this.list.append(one.row);
    }
    this.list.hidden = !this.chosen.length;
  }

  remove(one) {
    one.forget();
    this.chosen = this.chosen.filter((each) => each !== one);
    this.list.hidden = !this.chosen.length;
  }

  async examine() {
    if (!this.chosen.length) {
      this.status.textContent = this.texts.noFiles;
      this.input.focus();
      return;
    }
    const waiting = [...this.chosen];
    const total = waiting.length;
    let count = 0;
    this.submit.disabled = true;
    for (const one of waiting) one.say(this.texts.waiting);
    for (const one of waiting) {
      if (await this.examineOne(one)) this.remove(one);
      count += 1;
      this.status.textContent = fill(this.texts.done, { count, total });
    }
    this.submit.disabled = false;
    if (!this.results.hidden) this.results.querySelector("h2").focus();
  }

  // Whether the server answered about this file. One that it did not stays in the list, to be tried again.
  async examineOne(one) {
    try {
      if (one.file.size > Number(this.texts.mostBytes)) throw new RangeError(this.texts.tooLarge);
      const answer = await one.send(this.form);
      if (!answer.length) throw new RangeError(this.texts.failed);
      const failed = answer.find((result) => "failure" in result.dataset);
      answer.forEach((result) => this.show(result));
      if (failed) one.stop(failed.querySelector(".headline").textContent);
      return !failed;
    } catch (failure) {
      one.stop(failure instanceof RangeError ? failure.message : this.texts.failed);
      return false;
    }
  }

  show(result) {
    this.shown += 1;
    const heading = result.querySelector(".headline");
    heading.id = `result-${this.shown}`;
    if (!("failure" in result.dataset)) result.setAttribute("aria-labelledby", heading.id);
    this.results.hidden = false;
    this.form.parentElement.before(this.results); // the answer comes first, as without JavaScript
    this.results.querySelector("h2").after(document.adoptNode(result));
    enhanceReports(this.results);
  }
}

// ---- Generate ----

class GenerateForm {
  constructor(form) {
    this.form = form;
    this.texts = form.dataset;
    this.status = form.querySelector("[data-status]");
    this.progress = form.querySelector("progress");
    this.submit = form.querySelector("button:not([type])");
    this.cancel = form.querySelector("[data-cancel]");
    this.cancel.addEventListener("click", () => this.order?.abort());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.generate();
    });
  }

  async generate() {
    this.order = new AbortController();
    const started = performance.now();
    const tick = () => {
      const seconds = Math.round((performance.now() - started) / 1000);
      this.status.textContent = `${this.texts.working} (${fill(this.texts.elapsed, { seconds })})`;
    };
    this.busy(true);
    tick();
    const clock = setInterval(tick, 5000);
    try {
      const { action } = this.form;
      const response = await fetch(action, { method: "POST", body: new FormData(this.form), signal: this.order.signal });
      this.show(parsed(await response.text()));
    } catch (failure) {
      this.status.textContent = failure.name === "AbortError" ? this.texts.cancelled : this.texts.failed;
    } finally {
      clearInterval(clock);
      this.busy(false);
    }
  }

  busy(working) {
    this.progress.hidden = !working;
    this.cancel.hidden = !working;
    this.submit.disabled = working;
  }

  show(page) {
    const answer = page.querySelector("[data-results]") ?? page.querySelector("main");
    const results = document.querySelector("[data-results]");
    results.replaceChildren(...[...answer.childNodes].map((node) => document.adoptNode(node)));
    results.hidden = false;
    this.status.textContent = "";
    results.querySelector("h1, h2")?.focus();
    results.scrollIntoView({ block: "start" });
  }
}

document.querySelectorAll("[data-examine]").forEach((form) => new ExamineForm(form));
document.querySelectorAll("[data-generate]").forEach((form) => new GenerateForm(form));
enhanceReports(document);
