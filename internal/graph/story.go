package graph

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

const (
	// mostOfStory bounds a story: a browser can send one correlation id for ever.
	mostOfStory = 200
	// mostOfPass bounds what a story tells of a pass.
	mostOfPass = 20
)

// ErrCorrelation says that something is no correlation id.
var ErrCorrelation = &fault.Error{
	Kind: fault.Invalid, Code: "correlationIdInvalid", Target: "correlationId",
	Text: "This is not a correlation id.", Remedy: "Send the whole id, as an error page or an entry of the log shows it.",
}

// getStory serves GET /postern/story/{correlation}: the sign-ins and changes of one correlation
// id, and what happened to the passes behind those sign-ins, the oldest first.
func (a *API) getStory(c *call) error {
	if err := directory.May(c.caller, directory.ReadAudits, directory.Target{}); err != nil {
		return err
	}
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	id := strings.ToLower(c.r.PathValue("correlation"))
	if uuid.Validate(id) != nil || len(id) != 36 {
		return ErrCorrelation
	}
	found, err := a.Store.Story(c.ctx(), c.tenant.ID, id, mostOfStory+1)
	if err != nil {
		return err
	}
	whole := len(found) <= mostOfStory
	found = found[:min(len(found), mostOfStory)]
	chapters, err := a.chapters(c, found)
	if err != nil {
		return err
	}
	value := []odata.Entity{}
	for _, one := range chapters {
		value = append(value, one.resource(c))
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Collection("postern/story", nil), odata.Entity{
		{Name: "correlationId", Value: id},
		{Name: "complete", Value: whole},
		{Name: "value", Value: value},
	})
}

// A chapter is an entry of a story. About is correlationId or pass: why it is part of it.
type chapter struct {
	event    audit.Event
	position int64
	about    string
}

// chapters opens entries, and adds those about the passes behind the sign-ins among them.
func (a *API) chapters(c *call, entries []audit.SealedEntry) ([]chapter, error) {
	var all []chapter
	var passes []string
	add := func(entries []audit.SealedEntry, about string) error {
		for _, s := range entries {
			e, err := audit.Open(s.Entry)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(all, func(known chapter) bool { return known.event.ID == e.ID }) {
				continue
			}
			all = append(all, chapter{e, s.Position, about})
			if in := e.SignIn; in != nil && in.PassID != "" && !slices.Contains(passes, in.PassID) {
				passes = append(passes, in.PassID)
			}
		}
		return nil
	}
	if err := add(entries, "correlationId"); err != nil {
		return nil, err
	}
	for _, pass := range passes[:min(len(passes), 3)] {
		more, err := a.Store.PassStory(c.ctx(), c.tenant.ID, pass, mostOfPass)
		if err == nil {
			err = add(more, "pass")
		}
		if err != nil {
			return nil, err
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i].event, all[j].event
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) < 0
	})
	return all, nil
}

func (one chapter) resource(c *call) odata.Entity {
	detailed := *c
	detailed.version = "beta" // how it was proved is the story
	kind, signIn, change := audit.KindDirectory, any(nil), any(nil)
	if one.event.SignIn != nil {
		kind, signIn = audit.KindSignIn, signInResource(&detailed, one.event)
	} else {
		change = auditResource(&detailed, one.event)
	}
	return odata.Entity{
		{Name: "id", Value: one.event.ID},
		{Name: "createdDateTime", Value: odata.Time(one.event.At)},
		{Name: "kind", Value: string(kind)},
		{Name: "about", Value: one.about},
		{Name: "position", Value: positionOf(one.position)},
		{Name: "signIn", Value: signIn},
		{Name: "directoryAudit", Value: change},
	}
}

// positionOf is null for an entry that is not sealed yet.
func positionOf(position int64) any {
	if position < 0 {
		return nil
	}
	return position
}
