package lifecycle

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
)

// Saved returns w as it is to be stored at now in place of old, which is the zero Workflow for a
// new one: with ids for its tasks, and when the schedule looks next.
func (w Workflow) Saved(old Workflow, now time.Time) Workflow {
	w.ModifiedAt = now
	tasks := make([]Task, len(w.Tasks))
	for i, t := range w.Tasks {
		if t.ID == "" {
			t.ID = uuid.NewString()
		}
		tasks[i] = t.Normal()
	}
	w.Tasks = tasks
	switch {
	case !w.Runs():
		w.NextRunAt = time.Time{}
	case !old.Runs() || w.NextRunAt.IsZero():
		w.NextRunAt, w.LastRunAt = now, time.Time{} // whose turn it was while it stood still is not caught up
	}
	return w
}

// CheckThere reports, as a fault, what a task of w names that is not there, or that no workflow may change.
func (e *Engine) CheckThere(ctx context.Context, w Workflow) error {
	for i, t := range w.Tasks {
		where := "tasks[" + strconv.Itoa(i) + "].arguments"
		for _, id := range idsIn(t.Argument(argGroups)) {
			g, err := e.Directory.Group(ctx, w.Tenant, directory.GroupID(id))
			if errors.Is(err, directory.ErrGroupUnknown) {
				return ErrInvalid.With(where, "There is no group "+id+".")
			}
			if err != nil {
				return err
			}
			if why := unfit(g); why != "" {
				return ErrInvalid.With(where, why)
			}
		}
		for _, id := range idsIn(t.Argument(argCC)) {
			if _, err := e.Directory.User(ctx, w.Tenant, directory.UserID(id)); errors.Is(err, directory.ErrUserUnknown) {
				return ErrInvalid.With(where, "There is no user "+id+" for cc.")
			} else if err != nil {
				return err
			}
		}
		if id := t.Argument(argExtension); id != "" {
			if _, err := e.Store.Extension(ctx, w.Tenant, strings.ToLower(id)); errors.Is(err, ErrExtensionUnknown) {
				return ErrInvalid.With(where, "There is no custom task extension "+id+".")
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// Uses reports whether a task of w calls the extension.
func (w Workflow) Uses(extension string) bool {
	for _, t := range w.Tasks {
		if strings.EqualFold(t.Argument(argExtension), extension) {
			return true
		}
	}
	return false
}

// ahead is how far the scope of a workflow is shown.
const ahead = 30 * 24 * time.Hour

// mostLookedAt bounds how many people one look at a scope reads.
const mostLookedAt = 2000

// Scope returns for whom w will be due within 30 days, and whose turn it was a moment ago, in the
// order of their dates, at most limit. Nothing happens to them by that.
func (e *Engine) Scope(ctx context.Context, w Workflow, limit int) ([]directory.User, error) {
	if w.OnDemandOnly {
		return nil, nil
	}
	rule, err := ParseRule(w.Rule)
	if err != nil {
		return nil, err
	}
	now := e.Now()
	from, _ := w.Window(now, time.Time{})
	_, to := w.Window(now.Add(ahead), time.Time{})
	var all []directory.User
	var last directory.User
	for read := 0; read < mostLookedAt && len(all) < limit; read += page {
		found, err := e.Store.PeopleAt(ctx, w.Tenant, w.Attribute, from, to, last, page)
		if err != nil {
			return nil, err
		}
		for _, u := range found {
			if rule.Has(u) && len(all) < limit {
				all = append(all, u)
			}
		}
		if len(found) < page {
			break
		}
		last = found[len(found)-1]
	}
	return all, nil
}

// DueAt is when w is due for u; zero when it never is.
func (w Workflow) DueAt(u directory.User) time.Time {
	at := w.Attribute.Of(u)
	if at.IsZero() {
		return at
	}
	return at.UTC().AddDate(0, 0, w.Offset)
}
