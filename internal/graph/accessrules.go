package graph

import (
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/graph/odata"
)

// accessSet is where all of Conditional Access lives.
const accessSet = "identity/conditionalAccess/"

// found returns the one with id, or unknown.
func found[T any](all []T, id string, idOf func(T) string, unknown error) (T, error) {
	for _, one := range all {
		if strings.EqualFold(idOf(one), id) {
			return one, nil
		}
	}
	var none T
	return none, unknown
}

// ruleKey returns the id that {id} names.
func ruleKey(c *call, unknown error) (string, error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return "", err
	}
	if key.Property != "" && !strings.EqualFold(key.Property, "id") {
		return "", unknown
	}
	return key.Value, nil
}

// newID returns the id of a rule that is made.
func (a *API) newID() (string, error) {
	id, err := uuid.NewRandomFromReader(a.Rand)
	return id.String(), err
}

// A recorded rule is one as an event tells of it.
type recorded struct {
	id, name   string
	properties odata.Entity
}

// ruleEvent records in e what became of a rule, property by property; old is nil for a new one,
// fresh for one that is gone.
func ruleEvent[T any](a *API, c *call, e audit.Change, old, fresh *T, record func(T) recorded) audit.Event {
	var before, after recorded
	if old != nil {
		before = record(*old)
	}
	last := before
	if fresh != nil {
		after = record(*fresh)
		last = after
	}
	if c.force {
		e.Details = append(e.Details, audit.KeyValue{Key: "postern_force", Value: "true"})
	}
	e.Targets = []audit.Target{{
		ID: last.id, Type: audit.TargetPolicy, DisplayName: last.name,
		Modified: modified(facts(before.properties, after.properties), facts(after.properties, before.properties)),
	}}
	return a.event(c, e)
}

// unrecorded says nothing that the event itself does not say.
var unrecorded = map[string]bool{"id": true, "createdDateTime": true, "modifiedDateTime": true}

// facts are the properties of e that an event tells; where there is no e they are those of
// other, all null.
func facts(e, other odata.Entity) odata.Entity {
	missing := e == nil
	if missing {
		e = other
	}
	all := odata.Entity{}
	for _, p := range e {
		if strings.Contains(p.Name, "@") || unrecorded[p.Name] {
			continue
		}
		if missing {
			p.Value = nil
		}
		all = append(all, p)
	}
	return all
}

// accessRules returns the tenant's rules.
func (a *API) accessRules(c *call) (access.Rules, error) {
	return a.Store.AccessRules(c.ctx(), c.tenant.ID)
}

// changeRule stores what decide makes of the rules.
func (a *API) changeRule(c *call, decide func(access.Rules) (access.Change, error)) error {
	return a.Store.ChangeAccess(c.ctx(), c.tenant.ID, decide)
}

// inUse refuses to remove what policies name, and says which.
func inUse(there access.Rules, id string) error {
	using := there.Using(id)
	if len(using) == 0 {
		return nil
	}
	var all []string
	for _, p := range using {
		all = append(all, p.DisplayName)
	}
	return access.ErrInUse.With("id", "It is used by "+strings.Join(all, ", ")+".")
}
