// Package lifecycle does what is to be done when people join, move and leave: workflows that
// start some days before or after a date of a person, for those whom a rule names, and do
// tasks in their order. Names and rules follow Microsoft Graph's lifecycle workflows
// (https://learn.microsoft.com/graph/api/resources/identitygovernance-workflow);
// docs/lifecycle.md says what is offered.
//
//	schedule ──▶ run ──▶ a person ──▶ a task ──▶ the next …
//	                                   queued ──▶ completed
//	                                     │  └───▶ failed     (why is kept)
//	                                     └──────▶ canceled   (a task before it failed, or the workflow was stopped)
//
// Each step is a job of package jobs, so that any replica may die at any moment. What a task
// changes here is stored in one transaction with its end, so it happens once; what it does
// outside carries an id that is the same at every try. The rules in this package are pure;
// [Engine] holds them against a [Store].
package lifecycle

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/directory"
)

// A Category says at which turn of a person's time here a workflow is for.
type Category string

// The categories.
const (
	Joiner Category = "joiner"
	Mover  Category = "mover"
	Leaver Category = "leaver"
)

// An Attribute is a date of a person, by Graph's name.
type Attribute string

// The attributes that may start a workflow.
const (
	HireDate  Attribute = "employeeHireDate"
	LeaveDate Attribute = "employeeLeaveDateTime"
	Created   Attribute = "createdDateTime"
)

// Of returns the date of u; zero when it has none.
func (a Attribute) Of(u directory.User) time.Time {
	switch a {
	case HireDate:
		return u.EmployeeHireDate
	case LeaveDate:
		return u.EmployeeLeaveDateTime
	case Created:
		return u.CreatedDateTime
	}
	return time.Time{}
}

// A Workflow is a version of a workflow and how it stands.
type Workflow struct {
	Tenant      directory.TenantID `json:"-"`
	ID          string             `json:"id"`
	Category    Category           `json:"category"`
	DisplayName string             `json:"displayName"`
	Description string             `json:"description,omitempty"`
	Enabled     bool               `json:"isEnabled"`
	Scheduled   bool               `json:"isSchedulingEnabled"`
	// OnDemandOnly says that it has neither trigger nor rule and runs only when somebody says so.
	OnDemandOnly bool      `json:"onDemandOnly,omitempty"`
	Rule         string    `json:"rule,omitempty"` // see ParseRule
	Attribute    Attribute `json:"timeBasedAttribute,omitempty"`
	Offset       int       `json:"offsetInDays,omitempty"`
	Tasks        []Task    `json:"tasks"`

	Version    int       `json:"version"` // from 1
	CreatedAt  time.Time `json:"createdDateTime"`
	ModifiedAt time.Time `json:"lastModifiedDateTime"`

	DeletedAt time.Time `json:"-"`
	// NextRunAt is when the schedule looks again for whom it is due; zero when it does not.
	NextRunAt time.Time `json:"-"`
	LastRunAt time.Time `json:"-"` // when it last looked
	Stamp     int64     `json:"-"` // grows with every change
}

// A Task is one thing to do for a person.
type Task struct {
	ID              string     `json:"id"`
	Definition      string     `json:"taskDefinitionId"`
	DisplayName     string     `json:"displayName"`
	Description     string     `json:"description,omitempty"`
	Enabled         bool       `json:"isEnabled"`
	ContinueOnError bool       `json:"continueOnError"`
	Arguments       []Argument `json:"arguments,omitempty"`
}

// An Argument says how a task is done. Values are text, also of numbers.
type Argument struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Argument returns the value of the argument with that name; empty when there is none.
func (t Task) Argument(name string) string {
	i := slices.IndexFunc(t.Arguments, func(a Argument) bool { return strings.EqualFold(a.Name, name) })
	if i < 0 {
		return ""
	}
	return t.Arguments[i].Value
}

// Bounds, as in Entra where it has them.
const (
	MostWorkflows  = 100
	MostVersions   = 100
	MostTasks      = 25
	MostSubjects   = 10 // of one activation
	MostExtensions = 100
	mostOffset     = 180
	mostName       = 256
	mostText       = 1024
	mostArgument   = 16 << 10
)

// Runs reports whether the schedule runs w.
func (w Workflow) Runs() bool {
	return w.Enabled && w.Scheduled && !w.OnDemandOnly && w.DeletedAt.IsZero()
}

// Check reports what is wrong with w as a fault, or nil. In it the tasks are known and their
// arguments can be done; whether groups and people are there is for the caller.
func (w Workflow) Check() error {
	if err := w.checkWords(); err != nil {
		return err
	}
	if err := w.checkConditions(); err != nil {
		return err
	}
	if len(w.Tasks) == 0 || len(w.Tasks) > MostTasks {
		return ErrInvalid.With("tasks", fmt.Sprintf("A workflow has between 1 and %d tasks.", MostTasks))
	}
	for i, t := range w.Tasks {
		if err := w.checkTask(i, t); err != nil {
			return err
		}
	}
	return nil
}

func (w Workflow) checkWords() error {
	switch {
	case !slices.Contains([]Category{Joiner, Mover, Leaver}, w.Category):
		return ErrInvalid.With("category", "category is joiner, mover or leaver.")
	case strings.TrimSpace(w.DisplayName) == "" || !isLine(w.DisplayName, mostName):
		return ErrInvalid.With("displayName", "displayName is one line of at most 256 characters.")
	case !isLine(w.Description, mostText):
		return ErrInvalid.With("description", "description is at most 1,024 characters, without control characters.")
	}
	return nil
}

func (w Workflow) checkConditions() error {
	if w.OnDemandOnly {
		if w.Scheduled {
			return ErrInvalid.With("isSchedulingEnabled", "A workflow that runs only on demand has no schedule.")
		}
		return nil
	}
	if !slices.Contains([]Attribute{HireDate, LeaveDate, Created}, w.Attribute) {
		return ErrInvalid.With("executionConditions/trigger/timeBasedAttribute", "timeBasedAttribute is employeeHireDate, employeeLeaveDateTime or createdDateTime.")
	}
	if w.Offset < -mostOffset || w.Offset > mostOffset {
		return ErrInvalid.With("executionConditions/trigger/offsetInDays", fmt.Sprintf("offsetInDays is between %d and %d.", -mostOffset, mostOffset))
	}
	if w.Attribute == Created && w.Offset < 0 {
		return ErrInvalid.With("executionConditions/trigger/offsetInDays", "Nobody is known before they are created: offsetInDays is 0 or more with createdDateTime.")
	}
	_, err := ParseRule(w.Rule)
	return err
}

func (w Workflow) checkTask(i int, t Task) error {
	where := "tasks[" + strconv.Itoa(i) + "]"
	d, ok := DefinitionOf(t.Definition)
	switch {
	case !ok:
		return ErrInvalid.With(where+".taskDefinitionId", "There is no task with this taskDefinitionId here; taskDefinitions lists them.")
	case !slices.Contains(d.Categories, w.Category):
		return ErrInvalid.With(where+".taskDefinitionId", "The task “"+d.DisplayName+"” is not for workflows of the category "+string(w.Category)+".")
	case strings.TrimSpace(t.DisplayName) == "" || !isLine(t.DisplayName, mostName):
		return ErrInvalid.With(where+".displayName", "displayName is one line of at most 256 characters.")
	case !isLine(t.Description, mostText):
		return ErrInvalid.With(where+".description", "description is at most 1,024 characters, without control characters.")
	}
	return d.check(where, t)
}

func isLine(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}
