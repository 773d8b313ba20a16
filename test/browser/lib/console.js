// The administrators' console, and people who work in it.
import { at, giveName, givePass, press } from "./person.js";

// colleague creates somebody who holds roles, by their names, and returns their name and a pass for many uses.
export async function colleague(server, account, ...roles) {
  const someone = await server.person(account);
  for (const role of roles) {
    await server.cli("role", "assign", role, someone.name);
  }
  return someone;
}

// enter signs somebody in to the console, at a path of it.
export async function enter(page, server, { name, pass }, path = "/console/") {
  await page.goto(`${server.url}${path}`);
  await at(page, "identify");
  await giveName(page, name);
  await givePass(page, pass);
  await at(page, "stay");
  await press(page, page.locator("button[name=stay][value=no]"));
  await page.waitForURL((url) => url.pathname.startsWith("/console/") && !url.pathname.startsWith("/console/signin"));
}

// enterDev signs the administrator of `postern dev` in, who sets up no way of their own.
export async function enterDev(page, dev, path) {
  await page.goto(`${dev.publicUrl}${path}`);
  await giveName(page, dev.adminUserPrincipalName);
  await givePass(page, dev.temporaryAccessPass);
  await press(page, page.locator("button[name=stay][value=no]"));
  const later = page.getByRole("button", { name: "Not now", exact: true });
  if (await later.count()) {
    await press(page, later);
  }
  await page.waitForURL(`${dev.publicUrl}${path}`);
}
