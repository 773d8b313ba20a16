package graph

import (
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/outbox"
)

// mostMails bounds how many mails are listed. More than that wait only where mail does not
// work at all, which the first ones show.
const mostMails = 999

// listMails serves GET /postern/mails: mail that waits or was given up, newest first. What it
// says, and to which address, is not shown.
func (a *API) listMails(c *call) error {
	options, err := odata.ParseOptions(c.r, odata.Allow{Properties: mailResource(outbox.Unsent{}).Names(), MaxTop: mostMails, DefaultTop: mostMails})
	if err != nil {
		return err
	}
	all, err := a.Store.UnsentMail(c.ctx(), c.tenant.ID, options.Top)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection("postern/mails", options.Select), Value: []odata.Entity{}}
	for _, i := range all {
		page.Value = append(page.Value, mailResource(i).Select(options.Select))
	}
	return odata.WritePage(c.w, page)
}

func mailResource(i outbox.Unsent) odata.Entity {
	next := odata.Time(i.DueAt)
	if i.State == outbox.Dead {
		next = nil
	}
	return odata.Entity{
		{Name: "id", Value: i.ID},
		{Name: "kind", Value: text(i.Kind)},
		{Name: "userId", Value: text(string(i.User))},
		{Name: "userPrincipalName", Value: text(i.ReaderName)},
		{Name: "aboutUserId", Value: text(string(i.About))},
		{Name: "aboutUserPrincipalName", Value: text(i.AboutName)},
		{Name: "state", Value: mailStates[i.State]},
		{Name: "createdDateTime", Value: odata.Time(i.CreatedAt)},
		{Name: "nextTryDateTime", Value: next},
		{Name: "attempts", Value: i.Attempts},
		{Name: "lastError", Value: text(i.LastError)},
	}
}

var mailStates = map[outbox.State]string{outbox.Waiting: "waiting", outbox.Dead: "givenUp"}
