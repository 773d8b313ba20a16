package graph

import (
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/recovery"
)

var caseProperties = names(caseResource(recovery.Case{}))

// caseResource is c as it is kept.
func caseResource(c recovery.Case) odata.Entity {
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(c.Version)},
		{Name: "id", Value: c.ID},
		{Name: "number", Value: c.Number},
		{Name: "userId", Value: string(c.User)},
		{Name: "state", Value: string(c.State)},
		{Name: "outcome", Value: text(string(c.Outcome))},
		{Name: "openedAs", Value: string(c.Opener.Kind)},
		{Name: "openedBy", Value: caseParty(c.Opener.Person)},
		{Name: "channel", Value: string(c.Channel)},
		{Name: "lost", Value: texts(c.Lost)},
		{Name: "deviceId", Value: text(c.Device)},
		{Name: "note", Value: text(c.Note)},
		{Name: "ticket", Value: text(c.Ticket)},
		{Name: "why", Value: text(c.Why)},
		{Name: "createdDateTime", Value: odata.Time(c.OpenedAt)},
		{Name: "expirationDateTime", Value: odata.Time(c.ExpiresAt)},
		{Name: "usedDateTime", Value: odata.Time(c.UsedAt)},
		{Name: "closedDateTime", Value: odata.Time(c.ClosedAt)},
		{Name: "proofs", Value: caseProofs(c)},
		{Name: "approvals", Value: caseApprovals(c)},
		{Name: "pass", Value: casePass(c)},
		{Name: "registered", Value: caseRegistered(c)},
		{Name: "dispute", Value: caseDispute(c)},
	}
}

// caseView is v with what the rules say now.
func caseView(v recovery.View) odata.Entity {
	grant := any(nil)
	if v.Grant != nil {
		grant = caseGrant(*v.Grant)
	}
	return append(caseResource(v.Case),
		odata.Property{Name: "userDisplayName", Value: text(v.Subject.User.DisplayName)},
		odata.Property{Name: "userPrincipalName", Value: text(v.Subject.User.UserPrincipalName)},
		odata.Property{Name: "targetClass", Value: string(v.Subject.Class)},
		odata.Property{Name: "assuranceLevel", Value: string(v.Proof)},
		odata.Property{Name: "grant", Value: grant},
		odata.Property{Name: "missingApprovals", Value: v.Missing},
		odata.Property{Name: "readyDateTime", Value: odata.Time(v.ReadyAt)},
		odata.Property{Name: "handOver", Value: texts(v.Policy.HandsOf(v.Subject.Class))},
		odata.Property{Name: "contactChanges", Value: contactChanges(v)},
		odata.Property{Name: "proofLevels", Value: proofLevels(v.Policy)},
		odata.Property{Name: "externalQuestions", Value: caseAsks(v)},
	)
}

// contactChanges is when what the person is reached by, or what a credential is compared with, was
// last changed, as far as that is kept, and whether it counts in this case all the same.
func contactChanges(v recovery.View) []odata.Entity {
	all := []odata.Entity{}
	for _, one := range v.Changes() {
		all = append(all, odata.Entity{{Name: "property", Value: one.Property}, {Name: "changedDateTime", Value: odata.Time(one.At)}, {Name: "counts", Value: one.Counts}})
	}
	return all
}

// proofLevels is what each kind of proof is worth under p.
func proofLevels(p recovery.Policy) odata.Entity {
	levels := odata.Entity{}
	for _, r := range recovery.Ladder {
		levels = append(levels, odata.Property{Name: string(r.Kind), Value: string(p.LevelOf(r.Kind))})
	}
	return levels
}

func texts[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = string(one)
	}
	return out
}

func caseParty(p recovery.Person) odata.Entity {
	return odata.Entity{{Name: "userId", Value: text(string(p.User))}, {Name: "appId", Value: text(string(p.App))}, {Name: "displayName", Value: text(p.Name)}}
}

func caseProofs(c recovery.Case) []odata.Entity {
	all := []odata.Entity{}
	for _, p := range c.Proofs {
		all = append(all, odata.Entity{
			{Name: "kind", Value: string(p.Kind)},
			{Name: "level", Value: string(p.Level)},
			{Name: "createdDateTime", Value: odata.Time(p.At)},
			{Name: "by", Value: caseParty(p.By)},
			{Name: "contact", Value: text(p.Contact)},
			{Name: "note", Value: text(p.Note)},
			{Name: "reference", Value: text(p.Reference)},
			{Name: "hasCaseNumber", Value: p.Numbered},
		})
	}
	return all
}

func caseApprovals(c recovery.Case) []odata.Entity {
	all := []odata.Entity{}
	for _, one := range c.Approvals {
		all = append(all, odata.Entity{
			{Name: "as", Value: string(one.Part)},
			{Name: "by", Value: caseParty(one.By)},
			{Name: "createdDateTime", Value: odata.Time(one.At)},
			{Name: "signedInDateTime", Value: odata.Time(one.SignIn.ProvedAt)},
			{Name: "ipAddress", Value: text(one.SignIn.Address)},
			{Name: "note", Value: text(one.Note)},
			{Name: "hasCaseNumber", Value: one.Numbered},
		})
	}
	return all
}

func casePass(c recovery.Case) any {
	if c.Pass == nil {
		return nil
	}
	return odata.Entity{
		{Name: "id", Value: c.Pass.ID},
		{Name: "createdDateTime", Value: odata.Time(c.Pass.At)},
		{Name: "endDateTime", Value: odata.Time(c.Pass.Ends)},
		{Name: "isUsableOnce", Value: c.Pass.Once},
		{Name: "postern_purpose", Value: string(c.Pass.Purpose)},
		{Name: "issuedBy", Value: caseParty(c.Pass.By)},
		{Name: "postern_handOver", Value: textOrNull(string(c.Pass.Hand))},
	}
}

func caseRegistered(c recovery.Case) []odata.Entity {
	all := []odata.Entity{}
	for _, r := range c.Registered {
		all = append(all, odata.Entity{{Name: "id", Value: r.ID}, {Name: "kind", Value: r.Kind}, {Name: "createdDateTime", Value: odata.Time(r.At)}})
	}
	return all
}

func caseDispute(c recovery.Case) any {
	if c.Disputed == nil {
		return nil
	}
	return odata.Entity{
		{Name: "createdDateTime", Value: odata.Time(c.Disputed.At)},
		{Name: "by", Value: caseParty(c.Disputed.By)},
		{Name: "stateBefore", Value: string(c.Disputed.Was)},
		{Name: "note", Value: text(c.Disputed.Note)},
	}
}

func caseGrant(g recovery.Grant) odata.Entity {
	return odata.Entity{
		{Name: "level", Value: string(g.Level)},
		{Name: "maximumLifetimeInMinutes", Value: g.Minutes},
		{Name: "isUsableOnce", Value: g.Once},
		{Name: "purposes", Value: texts(g.Purposes)},
		{Name: "approvals", Value: g.Approvals},
		{Name: "coolDownInMinutes", Value: g.CoolDown},
	}
}

// caseAsks is what an identity-proofing service was asked.
func caseAsks(v recovery.View) []odata.Entity {
	all := []odata.Entity{}
	for _, ask := range v.Asks {
		state := string(ask.Answer)
		switch {
		case ask.Pending(v.At):
			state = "pending"
		case state == "":
			state = "expired"
		}
		all = append(all, odata.Entity{
			{Name: "id", Value: ask.ID},
			{Name: "state", Value: state},
			{Name: "level", Value: text(string(ask.Level))},
			{Name: "askedDateTime", Value: odata.Time(ask.AskedAt)},
			{Name: "expiresDateTime", Value: odata.Time(ask.EndsAt)},
			{Name: "answeredDateTime", Value: odata.Time(ask.AnsweredAt)},
		})
	}
	return all
}
