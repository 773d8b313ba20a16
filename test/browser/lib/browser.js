// Starts Chromium, and watches every page that it shows.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const executablePath = process.env.POSTERN_TEST_CHROMIUM ?? "/usr/bin/chromium";
const missing = !existsSync(executablePath);

// skip is given to each describe. Without a browser it skips, and fails in CI.
export const skip = missing && `there is no ${executablePath}; install the package chromium or set POSTERN_TEST_CHROMIUM`;
if (missing) {
  if (process.env.CI === "true") {
    throw new Error(skip);
  }
  console.error(`!! tests in a browser: SKIPPED, ${skip}`);
}

// launch starts it; options are more of Playwright's.
export function launch(options = {}) {
  return chromium.launch({
    ...options,
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...(options.args ?? []),
    ],
  });
}

// open returns a page in a browser of its own, as far as cookies go. When the test t ends,
// every page that was shown had the right headers and broke no policy.
export async function open(t, browser, options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-GB", ...options });
  context.setDefaultTimeout(10_000);
  const faults = [];
  context.on("console", (message) => {
    if (/content security policy|refused to/i.test(message.text())) {
      faults.push(message.text());
    }
  });
  context.on("weberror", (error) => faults.push(String(error.error())));
  context.on("response", (response) => {
    if (response.request().isNavigationRequest() && response.url().startsWith("https://localhost:")) {
      faults.push(...headerFaults(response));
    }
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, []);
  });
  return context.newPage();
}

// headerFaults returns what a response lacks.
export function headerFaults(response) {
  const headers = response.headers();
  const wrong = [];
  const expect = (name, good) => {
    if (!good(headers[name] ?? "")) {
      wrong.push(`${response.status()} ${response.url()}: ${name} is ${headers[name]}`);
    }
  };
  expect("cache-control", (value) => value.includes("no-store"));
  if (response.status() < 300 || response.status() >= 400) {
    expect("content-security-policy", strict);
    expect("x-content-type-options", (value) => value === "nosniff");
    expect("referrer-policy", (value) => ["no-referrer", "same-origin"].includes(value));
  }
  return wrong;
}

function strict(policy) {
  return (
    ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"].every((part) => policy.includes(part)) &&
    !policy.includes("unsafe")
  );
}
