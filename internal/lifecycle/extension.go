package lifecycle

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/jobs"
)

// An Extension is a service outside that a task calls.
// https://learn.microsoft.com/graph/api/resources/identitygovernance-customtaskextension
type Extension struct {
	Tenant      directory.TenantID `json:"-"`
	ID          string             `json:"id"`
	DisplayName string             `json:"displayName"`
	Description string             `json:"description,omitempty"`
	URL         string             `json:"url"`
	CreatedAt   time.Time          `json:"createdDateTime"`
	ModifiedAt  time.Time          `json:"lastModifiedDateTime"`
	Stamp       int64              `json:"-"`
}

// Check reports what is wrong with x as a fault, or nil.
func (x Extension) Check() error {
	if strings.TrimSpace(x.DisplayName) == "" || !isLine(x.DisplayName, mostName) {
		return ErrInvalid.With("displayName", "displayName is one line of at most 256 characters.")
	}
	if !isLine(x.Description, mostText) {
		return ErrInvalid.With("description", "description is at most 1,024 characters, without control characters.")
	}
	u, err := url.Parse(x.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || len(x.URL) > 2048 {
		return ErrInvalid.With("endpointConfiguration/url", "url is an address that begins with https:// and has no name, password or fragment.")
	}
	return nil
}

// A Call is what an extension is told.
type Call struct {
	ID       string             `json:"id"` // of the task's result; the same when it is told again
	Tenant   directory.TenantID `json:"tenantId"`
	Workflow string             `json:"workflowId"`
	Version  int                `json:"workflowVersion"`
	Run      string             `json:"runId"`
	Task     string             `json:"taskId"`
	Subject  Subject            `json:"subject"`
}

// A Subject is whom a call is about.
type Subject struct {
	ID                directory.UserID `json:"id"`
	DisplayName       string           `json:"displayName"`
	UserPrincipalName string           `json:"userPrincipalName"`
	Mail              string           `json:"mail,omitempty"`
	Manager           directory.UserID `json:"managerId,omitempty"`
	HireDate          time.Time        `json:"employeeHireDate,omitzero"`
	LeaveDate         time.Time        `json:"employeeLeaveDateTime,omitzero"`
}

// Hooks calls extensions. An error that wraps jobs.ErrRefused is final.
type Hooks interface {
	Call(ctx context.Context, x Extension, c Call) error
}

// runExtension calls an extension. It may be called again when this server ends before the answer
// is kept: the id of the call is the same then.
func runExtension(ctx context.Context, e *Engine, w work) (Effect, error) {
	id := w.result.Task.Argument(argExtension)
	x, err := e.Store.Extension(ctx, w.tenant.ID, strings.ToLower(id))
	if errors.Is(err, ErrExtensionUnknown) {
		return Effect{}, failure("The extension " + id + " is not there any more.")
	}
	if err != nil {
		return Effect{}, err
	}
	err = e.Hooks.Call(ctx, x, Call{
		ID: w.result.ID, Tenant: w.tenant.ID, Workflow: w.person.Workflow, Version: w.person.Version, Run: w.person.Run, Task: w.result.Task.ID,
		Subject: Subject{
			ID: w.user.ID, DisplayName: w.user.DisplayName, UserPrincipalName: w.user.UserPrincipalName, Mail: w.user.Mail,
			Manager: w.user.Manager, HireDate: w.user.EmployeeHireDate, LeaveDate: w.user.EmployeeLeaveDateTime,
		},
	})
	if errors.Is(err, jobs.ErrRefused) {
		return Effect{}, failure("The extension refused: " + err.Error())
	}
	return Effect{}, err
}

// SecretLabel names the key that calls of x are signed with.
func (x Extension) SecretLabel() string { return "task extension " + x.ID }
