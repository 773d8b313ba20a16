package people

import (
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// deletedPage lists people who can be brought back.
type deletedPage struct {
	console.Frame
	People     []deletedRow
	MayRestore bool
	MayPurge   bool
	NextHref   string
}

type deletedRow struct {
	ID, Name, UPN     string
	DeletedAt, EndsAt time.Time
}

// File implements console.Page.
func (deletedPage) File() string { return "deleted.html" }

// listDeleted serves GET /console/people/deleted.
func listDeleted(c *console.Call) error {
	found, err := c.Page(graphclient.Query{}, "directory", "deletedItems", "microsoft.graph.user")
	if err != nil {
		return err
	}
	p := deletedPage{Frame: c.Frame("people"), MayRestore: c.May("restoreUser"), MayPurge: c.May("deleteUser"), NextHref: c.NextHref(found)}
	for _, o := range found.Items {
		row := deletedRow{ID: o.Text("id"), Name: o.Text("displayName"), UPN: o.Text("userPrincipalName"), DeletedAt: o.Time("deletedDateTime")}
		if !row.DeletedAt.IsZero() {
			row.EndsAt = row.DeletedAt.Add(console.KeptFor)
		}
		p.People = append(p.People, row)
	}
	return c.Show(http.StatusOK, p)
}
