package lifecycle

import (
	"errors"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/fault"
)

func sound() Workflow {
	return Workflow{
		Category: Joiner, DisplayName: "Day one", Enabled: true, Scheduled: true, Rule: "(department eq 'Sales')", Attribute: HireDate, Offset: -1,
		Tasks: []Task{ready(GeneratePass, Argument{"tapLifetimeInMinutes", "480"}, Argument{argOnce, "true"}).Normal()},
	}
}

func TestAWorkflowIsCheckedBeforeItIsKept(t *testing.T) {
	if err := sound().Check(); err != nil {
		t.Fatal(err)
	}
	for _, template := range Templates() {
		w := template.Workflow
		w.DisplayName = template.DisplayName
		if err := w.Check(); err != nil {
			t.Errorf("%s: %v", template.DisplayName, err)
		}
	}
	argue := func(name, value string) func(*Workflow) {
		return func(w *Workflow) {
			w.Tasks[0].Arguments = append(w.Tasks[0].Arguments, Argument{name, value})
		}
	}
	for _, c := range []struct {
		name, target string
		spoil        func(*Workflow)
	}{
		{"no such category", "category", func(w *Workflow) { w.Category = "guest" }},
		{"no name", "displayName", func(w *Workflow) { w.DisplayName = " " }},
		{"a name of two lines", "displayName", func(w *Workflow) { w.DisplayName = "a\nb" }},
		{"no attribute", "executionConditions/trigger/timeBasedAttribute", func(w *Workflow) { w.Attribute = "" }},
		{"far away", "executionConditions/trigger/offsetInDays", func(w *Workflow) { w.Offset = 181 }},
		{"before they are created", "executionConditions/trigger/offsetInDays", func(w *Workflow) { w.Attribute = Created }},
		{"no tasks", "tasks", func(w *Workflow) { w.Tasks = nil }},
		{"no such task", "tasks[0].taskDefinitionId", func(w *Workflow) { w.Tasks[0].Definition = "x" }},
		{"a task of another category", "tasks[0].taskDefinitionId", func(w *Workflow) { w.Category = Leaver }},
		{"no such argument", "tasks[0].arguments", argue("x", "y")},
		{"an argument twice", "tasks[0].arguments", argue(argLifetime, "480")},
		{"no such placeholder", "tasks[0].arguments", argue(argBody, "{{password}}")},
		{"a pass in a subject", "tasks[0].arguments", argue(argSubject, "{{temporaryAccessPass}}")},
		{"cc that is no id", "tasks[0].arguments", argue(argCC, "boss@contoso.example")},
		{"a locale that is none", "tasks[0].arguments", argue(argLocale, "../x")},
		{"a pass for nine minutes", "tasks[0].arguments", func(w *Workflow) { w.Tasks[0].Arguments[0].Value = "9" }},
		{"an argument that is missing", "tasks[0].arguments", func(w *Workflow) { w.Tasks[0].Arguments = w.Tasks[0].Arguments[:1] }},
		{"a schedule on demand", "isSchedulingEnabled", func(w *Workflow) { w.OnDemandOnly = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := sound()
			c.spoil(&w)
			f, ok := errors.AsType[*fault.Error](w.Check())
			if !ok || f.Code != "workflowInvalid" || f.Target != c.target {
				t.Errorf("got %+v", f)
			}
		})
	}
	w := sound()
	w.Rule = "department eq "
	if w.Check() == nil {
		t.Error("a rule that ends early was kept")
	}
}

func TestOnlyThePassTaskHasThePassInItsBody(t *testing.T) {
	w := sound()
	w.Tasks = []Task{ready(WelcomeMail, Argument{argBody, "{{temporaryAccessPass}}"})}
	if err := w.Check(); err == nil || !strings.Contains(err.Error(), "Only the task that makes a pass") {
		t.Errorf("got %v", err)
	}
}

func TestAPersonStandsAsTheirTasksDo(t *testing.T) {
	task := func(s Status, why string) TaskResult { return TaskResult{Status: s, FailureReason: why} }
	done, failed, queued, off := task(Completed, ""), task(Failed, "x"), task(Queued, ""), task(Canceled, disabledTask)
	for _, c := range []struct {
		name  string
		tasks []TaskResult
		want  Status
	}{
		{"nothing was begun", []TaskResult{queued, queued}, Queued},
		{"one is done", []TaskResult{done, queued}, InProgress},
		{"all are done", []TaskResult{done, done}, Completed},
		{"one is switched off", []TaskResult{done, off}, Completed},
		{"one failed", []TaskResult{done, failed, task(Canceled, "An earlier task failed")}, CompletedWithErrors},
		{"the first failed", []TaskResult{failed, task(Canceled, "An earlier task failed")}, Failed},
		{"the workflow was stopped", []TaskResult{task(Canceled, "The workflow was disabled.")}, Failed},
	} {
		if got := StatusOfTasks(c.tasks); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestARuleWithAnUnknownPropertySaysWhichThereAre(t *testing.T) {
	_, err := ParseRule("costCenter eq 'Sales'")
	if err == nil || !strings.Contains(err.Error(), `"costCenter"`) || !strings.Contains(err.Error(), "There are accountEnabled, city, ") || !strings.Contains(err.Error(), ", userType.") {
		t.Errorf("%v", err)
	}
}
