// The lock screen works without this. It keeps the clock going, shows what changes while
// somebody looks, and takes Esc for the button that goes back.
const clock = document.querySelector("#clock");
const ahead = Date.parse(clock.dateTime) - Date.now(); // of this browser's clock
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone() });

function zone() {
  try {
    new Intl.DateTimeFormat("en", { timeZone: clock.dataset.zone });
    return clock.dataset.zone;
  } catch {
    return undefined; // the machine's own
  }
}

function tick() {
  const now = Date.now() + ahead;
  clock.textContent = time.format(now);
  const left = document.querySelector("[data-until]");
  if (!left) return;
  const seconds = Math.max(0, Math.round((Date.parse(left.dataset.until) - now) / 1000));
  left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
tick();
setInterval(tick, 1000);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const back = document.querySelector("#cancel");
  if (back instanceof HTMLFormElement) back.requestSubmit();
  else if (back) location.assign(back.href);
});

// typing reports whether a field would be lost by loading the page anew.
function typing() {
  return [...document.querySelectorAll("main input:not([type=hidden])")].some((field) => field.value !== "");
}

// parts change while somebody looks; they are exchanged where they stand, so that no key that is
// pressed meanwhile is lost. The clock and what counts down are this page's own.
const parts = [".ways-in", ".notes", ".tiles", ".lock-status"];
const own = ["#clock", "[data-until]"];

// rest is the page without them.
function rest(page) {
  const main = page.querySelector("main").cloneNode(true);
  for (const part of main.querySelectorAll([...parts, ...own].join())) part.remove();
  return main.innerHTML;
}

async function refresh() {
  const answer = await fetch(location.href, { redirect: "manual" });
  if (!answer.ok) {
    location.reload(); // another step
    return;
  }
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  const field = (page, name) => page.querySelector(`main [name=${name}]`)?.value;
  const moved = field(next, "attempt") !== field(document, "attempt") || next.querySelector("main").dataset.step !== document.querySelector("main").dataset.step;
  if (moved || (!typing() && rest(next) !== rest(document))) {
    location.reload();
    return;
  }
  for (const part of parts) {
    const old = document.querySelector(part);
    const now = next.querySelector(part);
    if (old && now && old.innerHTML !== now.innerHTML) old.replaceWith(now);
    else if (!old !== !now && !typing()) location.reload(); // it came or went
  }
  document.body.dataset.changes = next.body.dataset.changes;
}

// While this script runs it says so: a seat restarts a browser whose page does not answer.
function beat() {
  fetch(document.hidden ? "/alive?hidden" : "/alive", { cache: "no-store" }).catch(() => {});
}
beat();
setInterval(beat, 5000);
document.addEventListener("visibilitychange", beat);

const changes = new EventSource("/events");
changes.onmessage = (event) => {
  if (Number(event.data) > Number(document.body.dataset.changes)) refresh();
};
// A form that was sent changes things itself: loading this page anew would cut its answer off.
addEventListener("beforeunload", () => changes.close());
