// Lifecycle workflows by @microsoft/microsoft-graph-client, with the requests of Graph's pages
// on microsoft.graph.identityGovernance.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import graphClient from "@microsoft/microsoft-graph-client";
import { connect } from "./lib/graph.js";
import { domain, graph as send, person, unique, url } from "./lib/tenant.js";

const { PageIterator } = graphClient;

const root = "/identityGovernance/lifecycleWorkflows";
const type = (name) => `#microsoft.graph.identityGovernance.${name}`;

// definitions are Graph's, the same in every tenant.
const definitions = {
  addToGroups: "22085229-5809-45e8-97fd-270d28d66910",
  disable: "1dfdfcc7-52fa-4c2e-bf3a-e3919cc12950",
  enable: "6fc52c9d-398b-4305-9763-15f42c1676fc",
  pass: "1b555e50-7f65-41d5-b514-5894a026d10d",
};

const task = (definition, displayName, more = {}) => ({
  continueOnError: false,
  description: `${displayName}, as the handbook says`,
  displayName,
  isEnabled: true,
  taskDefinitionId: definition,
  arguments: [],
  ...more,
});

const conditions = (department) => ({
  "@odata.type": type("triggerAndScopeBasedConditions"),
  scope: { "@odata.type": type("ruleBasedSubjectSet"), rule: `(department eq '${department}')` },
  trigger: { "@odata.type": type("timeBasedAttributeTrigger"), timeBasedAttribute: "employeeHireDate", offsetInDays: 0 },
});

describe("lifecycle workflows by @microsoft/microsoft-graph-client", () => {
  let graph;
  before(() => {
    graph = connect();
  });

  const workflow = (tasks, more = {}) => ({
    category: "joiner",
    description: "Configure new hire tasks for onboarding employees on their first day",
    displayName: unique("Onboard new hire"),
    isEnabled: true,
    isSchedulingEnabled: false,
    executionConditions: conditions("Marketing"),
    tasks,
    ...more,
  });
  const create = (...each) => graph.api(`${root}/workflows`).post(workflow(...each));

  // ended waits until the only run of a workflow has ended.
  async function ended(id) {
    for (const end = Date.now() + 20_000; ; ) {
      const { value } = await graph.api(`${root}/workflows/${id}/runs/`).get();
      if (value.length > 0 && value.every(({ completedDateTime }) => completedDateTime)) {
        assert.equal(value.length, 1);
        return value[0];
      }
      assert.ok(Date.now() < end, `the run has not ended: ${JSON.stringify(value)}`);
    }
  }

  it("knows what tasks and templates there are", async () => {
    const { value } = await graph.api(`${root}/taskDefinitions`).get();
    for (const id of Object.values(definitions)) {
      assert.ok(value.some((each) => each.id === id), `${id} is missing`);
    }
    const one = await graph.api(`${root}/taskDefinitions/${definitions.pass}`).get();
    assert.deepEqual([one.category, one.version], ["joiner", 1]);
    assert.deepEqual(one.parameters.slice(0, 2).map(({ name }) => name).sort(), ["tapIsUsableOnce", "tapLifetimeMinutes"]);
    const leavers = await graph.api(`${root}/taskDefinitions`).filter("category has 'leaver'").select("id,displayName,category").orderby("displayName").get();
    assert.ok(leavers.value.length > 0 && leavers.value.length < value.length);
    assert.ok(leavers.value.every(({ category }) => category.split(",").includes("leaver")));
    const names = leavers.value.map(({ displayName }) => displayName);
    assert.deepEqual(names, names.toSorted((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)));
    const templates = await graph.api(`${root}/workflowTemplates`).filter("category eq 'joiner'").get();
    assert.ok(templates.value.length > 0 && templates.value.every(({ category }) => category === "joiner"));
    const made = await create(templates.value[0].tasks, { executionConditions: templates.value[0].executionConditions });
    assert.equal(made.version, 1);
    await graph.api(`${root}/workflows/${made.id}`).delete();
    await assert.rejects(graph.api(`${root}/taskDefinitions`).filter("description eq 'x'").get(), { statusCode: 400 });
  });

  it("creates, reads and updates a workflow and its task", async () => {
    const body = workflow([task(definitions.enable, "Enable User Account"), task(definitions.disable, "Wait")]);
    const made = await graph.api(`${root}/workflows`).post(body);
    const { tasks, ...said } = body;
    for (const [name, value] of Object.entries(said)) {
      assert.deepEqual(made[name], value, name);
    }
    assert.deepEqual([made.version, made.deletedDateTime, made.nextScheduleRunDateTime], [1, null, null]);
    const one = graph.api(`${root}/workflows/${made.id}`);
    const read = await one.get();
    assert.equal(read["@odata.context"], `${url}/v1.0/$metadata#identityGovernance/lifecycleWorkflows/workflows/$entity`);
    // https://learn.microsoft.com/graph/api/identitygovernance-workflow-get: tasks are expanded by default.
    assert.deepEqual(read.tasks.map((each) => [each.executionSequence, each.displayName, each.category]), [
      [1, "Enable User Account", "joiner,leaver"],
      [2, "Wait", "joiner,leaver"],
    ]);
    assert.equal((await graph.api(`${root}/workflows/${made.id}`).select("id,category").get()).tasks, undefined);

    assert.equal(await one.patch({ description: "Another", displayName: `${made.displayName} in Australia`, isEnabled: true, isSchedulingEnabled: true }), undefined);
    const changed = await one.get();
    assert.deepEqual([changed.description, changed.isSchedulingEnabled, changed.version], ["Another", true, 1]);
    assert.ok(changed.nextScheduleRunDateTime);
    await assert.rejects(one.patch({ tasks }), { statusCode: 400 });
    await assert.rejects(one.patch({ createdBy: { id: made.id }, shoeSize: 43 }), { statusCode: 400 });

    // https://learn.microsoft.com/graph/api/identitygovernance-task-update
    const [first] = read.tasks;
    const its = graph.api(`${root}/workflows/${made.id}/tasks/${first.id}`);
    assert.equal(await its.patch({ displayName: "Let them in", description: "On the first day" }), undefined);
    const renamed = await its.get();
    assert.deepEqual([renamed.displayName, renamed.description, renamed.id, renamed.taskDefinitionId], ["Let them in", "On the first day", first.id, definitions.enable]);
    await assert.rejects(its.patch({ taskDefinitionId: definitions.disable }), { statusCode: 400 });
    await assert.rejects(its.patch({ displayName: " " }), { statusCode: 400 });
    assert.equal((await one.get()).version, 1);

    const { value } = await graph.api(`${root}/workflows`).filter(`displayName eq '${changed.displayName}'`).select("id,displayName").get();
    assert.deepEqual(value.map(({ id, displayName }) => [id, displayName]), [[made.id, changed.displayName]]);
    await one.delete();
  });

  it("makes a new version, and keeps the old one to read", async () => {
    const made = await create([task(definitions.enable, "Enable User Account")]);
    const next = workflow([task(definitions.enable, "Enable User Account"), task(definitions.disable, "Disable it again")], {
      displayName: made.displayName,
      executionConditions: conditions("Sales"),
    });
    const at = `${root}/workflows/${made.id}`;
    for (const [action, version] of [["createNewVersion", 2], [`${type("createNewVersion").slice(1)}`, 3]]) {
      const answer = await graph.api(`${at}/${action}`).post({ workflow: next });
      assert.deepEqual([answer.id, answer.version, answer.executionConditions.scope.rule], [made.id, version, "(department eq 'Sales')"]);
    }
    const { value } = await graph.api(`${at}/versions`).get();
    assert.deepEqual(value.map(({ versionNumber }) => versionNumber).sort(), [1, 2, 3]);
    const first = await graph.api(`${at}/versions/1`).get();
    assert.deepEqual([first.tasks.length, first.executionConditions.scope.rule], [1, "(department eq 'Marketing')"]);
    assert.equal((await graph.api(`${at}/tasks`).get()).value.length, 2);
    await assert.rejects(graph.api(`${at}/createNewVersion`).post({ workflow: { ...next, tasks: [] } }), { statusCode: 400 });
    await assert.rejects(graph.api(`${at}/createNewVersion`).post({}), { statusCode: 400 });
    await graph.api(at).delete();
  });

  it("runs for people on demand, and says of each what was done and why something was not", async () => {
    const group = await send("POST", "/groups", { displayName: unique("Newcomers"), mailEnabled: false, mailNickname: unique("new"), securityEnabled: true });
    const people = [await person("Ivo"), await person("Lena")];
    const made = await create([
      task(definitions.addToGroups, "Add User To Groups", { arguments: [{ name: "groupID", value: group.id }] }),
      task(definitions.pass, "Generate TAP and Send Email", { arguments: [{ name: "tapLifetimeMinutes", value: "480" }, { name: "tapIsUsableOnce", value: "true" }] }),
      task(definitions.enable, "Enable User Account"),
    ]);
    const at = `${root}/workflows/${made.id}`;
    assert.equal(await graph.api(`${at}/activate`).post({ subjects: people.map(({ id }) => ({ id })) }), undefined);
    const run = await ended(made.id);
    assert.deepEqual(
      [run.processingStatus, run.workflowExecutionType, run.totalUsersCount, run.failedUsersCount, run.totalTasksCount, run.failedTasksCount],
      ["failed", "onDemand", 2, 2, 6, 2],
    );
    assert.equal((await graph.api(`${at}/runs/${run.id}`).select("id,processingStatus").get()).processingStatus, "failed");

    for (const path of [`${at}/userProcessingResults`, `${at}/runs/${run.id}/userProcessingResults`]) {
      const { value } = await graph.api(path).get();
      assert.deepEqual(new Set(value.map(({ subject }) => subject.id)), new Set(people.map(({ id }) => id)));
      for (const each of value) {
        assert.deepEqual([each.processingStatus, each.workflowVersion, each.totalTasksCount, each.failedTasksCount, each.totalUnprocessedTasksCount], ["completedWithErrors", 1, 3, 1, 1]);
        assert.equal((await graph.api(`${path}/${each.id}`).select("id,processingStatus,subject").get()).subject.id, each.subject.id);
        const tasks = await graph.api(`${path}/${each.id}/taskProcessingResults`).get();
        assert.deepEqual(tasks.value.map((t) => [t.task.displayName, t.processingStatus, t.subject.id]), [
          ["Add User To Groups", "completed", each.subject.id],
          ["Generate TAP and Send Email", "failed", each.subject.id],
          ["Enable User Account", "canceled", each.subject.id],
        ]);
        assert.match(tasks.value[1].failureReason, /manager/);
        const { id, ...shown } = tasks.value[0].task;
        assert.deepEqual(shown, {
          category: "joiner,mover,leaver",
          continueOnError: false,
          description: "Add User To Groups, as the handbook says",
          displayName: "Add User To Groups",
          executionSequence: 1,
          isEnabled: true,
          taskDefinitionId: definitions.addToGroups,
          arguments: [{ name: "groupID", value: group.id }],
        });
      }
    }
    const expanded = await graph.api(`${at}/userProcessingResults`).expand("taskProcessingResults").get();
    assert.deepEqual(expanded.value.map((each) => each.taskProcessingResults.length), [3, 3]);

    // https://learn.microsoft.com/graph/api/identitygovernance-run-list-taskprocessingresults
    const { value: whole } = await graph.api(`${at}/runs/${run.id}/taskProcessingResults`).get();
    assert.deepEqual([whole.length, new Set(whole.map(({ id }) => id)).size], [6, 6]);
    assert.ok(whole.slice(0, 3).every(({ subject }) => subject.id === whole[0].subject.id));
    for (const top of [1, 2, 3, 4, 5, 6]) {
      const seen = [];
      const first = await graph.api(`${at}/runs/${run.id}/taskProcessingResults`).select("id,failureReason,processingStatus,subject").top(top).get();
      assert.ok(first.value.length <= top);
      await new PageIterator(graph, first, (each) => seen.push(each) > 0).iterate();
      assert.deepEqual(seen.map(({ id }) => id), whole.map(({ id }) => id), `pages of ${top}`);
      assert.deepEqual(Object.keys(seen[0]).sort(), ["failureReason", "id", "processingStatus", "subject"]);
    }

    const { value: members } = await graph.api(`/groups/${group.id}/members`).get();
    assert.deepEqual(new Set(members.map(({ id }) => id)), new Set(people.map(({ id }) => id)));
    const reports = await graph.api(`${at}/taskReports`).get();
    assert.deepEqual(reports.value.map((each) => [each.runId, each.successfulUsersCount, each.failedUsersCount, each.unprocessedUsersCount]), [
      [run.id, 2, 0, 0],
      [run.id, 0, 2, 0],
      [run.id, 0, 0, 2],
    ]);
    await assert.rejects(graph.api(`${at}/activate`).post({ subjects: [] }), { statusCode: 400 });
    await assert.rejects(graph.api(`${at}/activate`).post({ subjects: [{ id: made.id }] }), (err) => [400, 404].includes(err.statusCode));
    await assert.rejects(graph.api(`${at}/runs/${made.id}/taskProcessingResults`).get(), { statusCode: 404 });
    await graph.api(at).delete();
  });

  it("deletes, restores and deletes for good", async () => {
    const made = await create([task(definitions.enable, "Enable User Account")], { category: "leaver", executionConditions: { ...conditions("Sales"), trigger: { ...conditions("").trigger, timeBasedAttribute: "employeeLeaveDateTime" } } });
    const at = `${root}/workflows/${made.id}`;
    const buried = `${root}/deletedItems/workflows`;
    await assert.rejects(graph.api(`${buried}/${made.id}`).get(), { statusCode: 404 });
    await graph.api(at).delete();
    await assert.rejects(graph.api(at).get(), { statusCode: 404 });
    await assert.rejects(graph.api(`${at}/activate`).post({ subjects: [{ id: made.id }] }), { statusCode: 404 });
    const { value } = await graph.api(buried).filter("category eq 'leaver'").select("id,category,displayName,description,version").get();
    const { "@odata.etag": etag, ...found } = value.find(({ id }) => id === made.id);
    assert.ok(etag);
    assert.deepEqual(found, { id: made.id, category: "leaver", displayName: made.displayName, description: made.description, version: 1 });
    assert.ok((await graph.api(`${buried}/${made.id}`).get()).deletedDateTime);

    const back = await graph.api(`${buried}/${made.id}/restore`).post();
    assert.deepEqual([back.id, back.deletedDateTime, back.version], [made.id, null, 1]);
    assert.equal((await graph.api(at).get()).tasks.length, 1);
    await assert.rejects(graph.api(`${buried}/${made.id}/restore`).post(), { statusCode: 404 });

    await graph.api(at).delete();
    await graph.api(`${buried}/${made.id}`).delete();
    await assert.rejects(graph.api(`${buried}/${made.id}`).get(), { statusCode: 404 });
    await assert.rejects(graph.api(`${buried}/${made.id}/restore`).post({}), { statusCode: 404 });
  });

  it("refuses what no workflow can be", async () => {
    await assert.rejects(create([]), { statusCode: 400 });
    await assert.rejects(create([task(unique("x"), "Unknown")]), { statusCode: 400 });
    await assert.rejects(create([task(definitions.enable, "Rule")], { executionConditions: conditions("' or 1") }), { statusCode: 400 });
    await assert.rejects(create([task(definitions.pass, "A leaver's pass")], { category: "leaver" }), { statusCode: 400 });
    await assert.rejects(graph.api(`${root}/workflows/${domain}`).get(), { statusCode: 404 });
  });
});
