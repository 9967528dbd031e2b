// What the pages do beyond links and forms. Everything here also works without it.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  document.documentElement.classList.add("js");
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");

  // -- citations: the quote in its passage, on hover, focus or tap ---------------------------------
  // Stays while pointer or focus is on the number or the box; Escape closes it (WCAG 1.4.13).
  let open = null, closing = 0;
  const hide = () => {
    clearTimeout(closing);
    if (!open) return;
    open.pop.hidden = true;
    open.cite.removeAttribute("aria-expanded");
    open = null;
  };
  const place = () => {
    if (!open) return;
    const at = open.cite.getBoundingClientRect(), style = open.pop.style;
    // Below the number or above it, whichever has room, and never over it: then it scrolls inside.
    style.maxHeight = "";
    const below = innerHeight - at.bottom - 14, above = at.top - 14;
    const under = open.pop.offsetHeight <= below || below >= above;
    style.maxHeight = `${Math.max(96, Math.min(480, under ? below : above))}px`;
    const box = open.pop.getBoundingClientRect();
    style.left = `${Math.max(12, Math.min(at.left - 16, innerWidth - box.width - 12))}px`;
    style.top = `${under ? at.bottom + 6 : at.top - box.height - 6}px`;
  };
  const show = (cite) => {
    clearTimeout(closing);
    if (open && open.cite === cite) return;
    hide();
    const pop = document.getElementById(cite.dataset.pop);
    if (!pop) return;
    open = { cite, pop };
    pop.hidden = false;
    cite.setAttribute("aria-expanded", "true");
    place();
  };
  const soon = () => {
    clearTimeout(closing);
    closing = setTimeout(() => {
      if (open && !open.cite.matches(":hover, :focus") && !open.pop.matches(":hover, :focus-within")) hide();
    }, 250);
  };
  let touched = false;
  document.addEventListener("pointerover", (event) => {
    const cite = event.target.closest?.(".cite");
    if (cite && event.pointerType === "mouse") show(cite);
    else if (event.target.closest?.(".pop")) clearTimeout(closing);
  });
  document.addEventListener("pointerout", (event) => {
    if (event.target.closest?.(".cite, .pop")) soon();
  });
  document.addEventListener("pointerdown", (event) => {
    touched = event.pointerType !== "mouse";
    if (open && !event.target.closest?.(".cite, .pop")) hide();
  });
  document.addEventListener("focusin", (event) => {
    const cite = event.target.closest?.(".cite");
    if (cite && !touched) show(cite);
    else if (open && !open.pop.contains(event.target) && open.cite !== event.target) hide();
  });
  document.addEventListener("click", (event) => {
    const cite = event.target.closest?.(".cite");
    // A first tap shows the quote, a second one or the link in it opens the document.
    if (cite && touched && !(open && open.cite === cite)) { event.preventDefault(); show(cite); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !open) return;
    const { cite, pop } = open, inside = pop.contains(document.activeElement);
    hide();
    if (inside) { cite.focus(); hide(); }
  });
  addEventListener("resize", place);
  addEventListener("scroll", place, { passive: true });

  // -- asking: the same pages, fetched and put in place ----------------------------------------------
  const strip = (form) => {
    const pairs = [...new FormData(form)].filter(([, value]) => typeof value === "string" && value.trim());
    return form.getAttribute("action") + "?" + new URLSearchParams(pairs);
  };
  // Where a language model writes: claims as they come. The page itself then has the whole answer.
  const follow = async (form, address, signal) => {
    const query = address.slice(address.indexOf("?") + 1);
    const stream = form.dataset.stream + (form.dataset.stream.includes("?") ? "&" : "?") + query;
    const answer = await fetch(stream, { signal, headers: { Accept: "text/event-stream" } });
    if (!answer.ok || !answer.body) return;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const list = document.createElement("ol"), title = document.createElement("h2"), part = document.createElement("section");
    list.className = "claims";
    part.className = "answer writing";
    title.textContent = form.dataset.writing;
    part.append(title, list);
    for (let text = "", next; (next = await reader.read()), !next.done; ) {
      text += next.value;
      const events = text.split("\n\n");
      text = events.pop();
      for (const event of events) {
        if (!event.startsWith("event: claim\ndata: ")) continue;
        const claim = JSON.parse(event.slice(event.indexOf("data: ") + 6)), item = document.createElement("li");
        item.textContent = claim.text;
        item.lang = claim.language;
        if (!part.isConnected) $("#results").replaceChildren(part);
        list.append(item);
      }
    }
  };
  let asking = null, shown = location.pathname + location.search;
  const load = async (address, { push = true, focus = true } = {}) => {
    const form = $("#ask"), button = $("button[type=submit]", form), live = $("#live");
    asking?.abort();
    const mine = (asking = new AbortController());
    button.setAttribute("aria-disabled", "true");
    live.textContent = form.dataset.working;
    $("#results").setAttribute("aria-busy", "true");
    try {
      // What goes wrong on the way is told by the page.
      if (push && form.dataset.stream) await follow(form, address, mine.signal).catch((error) => { if (error.name === "AbortError") throw error; });
      const answer = await fetch(address, { signal: mine.signal, headers: { Accept: "text/html" } });
      const page = parse(await answer.text());
      if (!$("#results", page)) throw new Error("no results");
      hide();
      document.title = page.title;
      document.body.className = page.body.className;
      $("#results").replaceWith(document.adoptNode($("#results", page)));
      $(".ask-head").replaceWith(document.adoptNode($(".ask-head", page)));
      $(".languages").replaceWith(document.adoptNode($(".languages", page)));
      if (push) history.pushState({}, "", address);
      shown = location.pathname + location.search;
      $("#live").textContent = $("#live", page).textContent;
      ready();
      const target = $("#fault") || $("#answer-title");
      if (focus && target) target.focus({ preventScroll: target.id === "answer-title" });
    } catch (error) {
      if (error.name !== "AbortError") location.assign(address);
    } finally {
      if (asking === mine) { asking = null; $("#ask button[type=submit]")?.removeAttribute("aria-disabled"); $("#results")?.removeAttribute("aria-busy"); }
    }
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id === "ask") { event.preventDefault(); load(strip(form)); }
    else if (form.id === "find-form") { event.preventDefault(); location.assign(strip(form) + "#list"); }
    else if (form.id === "upload-form") { event.preventDefault(); send(form); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.id === "q" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
  addEventListener("popstate", () => {
    // A link within the page, such as the skip link, comes by here too and changes nothing.
    if ($("#ask") && location.pathname + location.search !== shown) load(location.href, { push: false });
  });

  // -- copying and printing --------------------------------------------------------------------------
  const copy = async (button) => {
    const text = $("#copy-text").textContent.trim();
    let done = false;
    try { await navigator.clipboard.writeText(text); done = true; } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy"); // the only way where the address isn't https
      area.remove();
      button.focus();
    }
    $("#live").textContent = done ? button.dataset.done : button.dataset.failed;
    if (done) { const before = button.textContent; button.textContent = "✓ " + before.replace(/^✓ /, ""); }
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#copy")) copy(event.target.closest("#copy"));
    else if (event.target.closest?.("#print")) print();
  });

  // -- confirmation in place ---------------------------------------------------------------------------
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-confirm]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const page = parse(await (await fetch(link.href, { headers: { Accept: "text/html" } })).text());
      const asked = $("#confirm", page);
      if (!asked) throw new Error("no form");
      const dialog = document.createElement("dialog");
      const title = $("h1", asked), heading = document.createElement("h2");
      heading.textContent = title.textContent;
      heading.id = "dialog-title";
      title.replaceWith(heading);
      dialog.setAttribute("aria-labelledby", "dialog-title");
      dialog.append(...document.adoptNode(asked).childNodes);
      dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
      $("[data-cancel]", dialog).addEventListener("click", (e) => { e.preventDefault(); dialog.close(); });
      document.body.append(dialog);
      dialog.showModal();
      $("[data-cancel]", dialog).focus();
    } catch { location.assign(link.href); }
  });

  // -- uploads ---------------------------------------------------------------------------------------------
  const send = (form) => {
    const data = new FormData(form), request = new XMLHttpRequest(), told = $("#sending");
    for (const [name, value] of [...data]) if (typeof value === "string" && !value.trim()) data.delete(name);
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "text/html");
    request.responseType = "document";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) told.textContent = form.dataset.sending.replace("#", Math.round((100 * event.loaded) / event.total));
    });
    request.addEventListener("error", () => { told.textContent = form.dataset.failed; });
    request.addEventListener("load", () => {
      told.textContent = "";
      const page = request.response, fault = page && $("#fault", page);
      if (fault) {
        $("#fault-place").replaceChildren(document.adoptNode(fault));
        $("#fault").focus();
        return;
      }
      const job = page && $("#job", page);
      if (!job) { told.textContent = form.dataset.failed; return; }
      $("#fault-place").replaceChildren();
      $("#job").replaceWith(document.adoptNode(job));
      history.replaceState({}, "", request.responseURL);
      form.reset();
      $("#chosen").hidden = true;
      $("#job").focus();
      poll();
    });
    request.send(data);
  };
  let polling = 0;
  const poll = () => {
    clearTimeout(polling);
    const job = $("[data-job][data-over=no]");
    if (!job) return;
    polling = setTimeout(async () => {
      try {
        const page = parse(await (await fetch(job.dataset.job, { headers: { Accept: "text/html" } })).text());
        const now = $("[data-job]", page);
        if (now) {
          const over = now.dataset.over === "yes";
          if (over) { job.replaceWith(document.adoptNode(now)); document.title = page.title; }
          else {
            const line = $(".job-line", job), next = $(".job-line", now);
            if (line.textContent !== next.textContent) { line.textContent = next.textContent; $("progress", job)?.replaceWith(document.adoptNode($("progress", now))); }
          }
          if (over) await renew();
        }
      } catch { /* the server may be restarting: ask again */ }
      poll();
    }, 1000);
  };
  const renew = async () => {
    const page = parse(await (await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } })).text());
    for (const id of ["#list", "#rejected"]) {
      const now = $(id, page);
      if (now && $(id)) $(id).replaceWith(document.adoptNode(now));
    }
  };
  const drop = $("#drop");
  if (drop) {
    const input = $("#files"), chosen = $("#chosen"), form = $("#upload-form");
    const name = () => {
      const names = [...input.files].map((file) => file.name).join(", ");
      chosen.hidden = !names;
      chosen.textContent = form.dataset.chosen.replace("#", () => names);
    };
    input.addEventListener("change", name);
    for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
    for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) { input.files = event.dataTransfer.files; name(); }
    });
  }
  poll();

  // -- the viewer ------------------------------------------------------------------------------------------
  const arrive = () => {
    const mark = document.getElementById("mark");
    if (!mark) return;
    mark.scrollIntoView({ block: "center", inline: "nearest" });
    (mark.closest(".sheet") || mark).classList.add("arrived");
  };
  if ($(".viewing")) {
    if (location.hash === "#mark" || (location.hash === "" && /[?&]start=/.test(location.search))) { arrive(); addEventListener("load", arrive, { once: true }); }
    // The text of pages near the window, laid over their images: it can be selected and found.
    const lay = async (sheet) => {
      const width = +sheet.dataset.width, height = +sheet.dataset.height;
      const answer = await fetch(sheet.dataset.lines);
      if (!answer.ok) return;
      const layer = document.createElement("div");
      layer.className = "lines";
      layer.setAttribute("aria-hidden", "true"); // the same text follows below the image
      const spans = (await answer.json()).lines.map((line) => {
        const span = document.createElement("span");
        span.textContent = line.text.trimEnd();
        span.style.left = `${(100 * line.x) / width}%`;
        span.style.top = `${(100 * line.y) / height}%`;
        span.style.fontSize = `${(100 * line.height) / width}cqw`;
        layer.append(span);
        return [span, line.width / width, line.text];
      });
      sheet.append(layer);
      const whole = layer.clientWidth, widths = spans.map(([span]) => span.offsetWidth);
      spans.forEach(([span, share, text], at) => {
        if (widths[at]) span.style.transform = `scaleX(${(share * whole) / widths[at]})`;
        span.textContent = text; // with the space that parts it from the next line
      });
    };
    const near = new IntersectionObserver((seen) => {
      for (const { isIntersecting, target } of seen) if (isIntersecting) { near.unobserve(target); lay(target).catch(() => {}); }
    }, { rootMargin: "200px" });
    $$(".sheet[data-lines]").forEach((sheet) => near.observe(sheet));
    document.addEventListener("toggle", async (event) => {
      const details = event.target;
      if (!details.open || !details.dataset?.text) return;
      const address = details.dataset.text;
      delete details.dataset.text;
      try {
        const answer = await fetch(address);
        if (answer.ok) $(".text", details).replaceChildren(...parse(await answer.text()).body.childNodes);
      } catch { details.dataset.text = address; }
    }, true);
  }

  // -- after every page or answer --------------------------------------------------------------------------
  let watching = 0;
  const watch = () => {
    clearTimeout(watching);
    const line = $("#indexing");
    if (!line || line.hidden) return;
    watching = setTimeout(async () => {
      try {
        const now = $("#indexing", parse(await (await fetch("/status" + location.search.replace(/[?&]q=[^&]*/, "?"))).text()));
        if (now) $("#indexing").replaceWith(document.adoptNode(now));
      } catch { /* ask again later */ }
      watch();
    }, 4000);
  };
  const ready = () => {
    for (const id of ["copy", "print"]) { const button = document.getElementById(id); if (button) button.hidden = false; }
    watch();
  };
  ready();
})();
