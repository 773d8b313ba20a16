package people

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
)

// export serves GET /console/people/export: what the list shows, all of it, as CSV. It is written
// page by page, so that its size does not matter. When it breaks off, so does the connection: a
// file that looks whole is whole.
func export(c *console.Call) error {
	p := listPage{Typed: c.Form("q"), Show: c.Form("show"), Department: c.Form("department"), CountsWays: c.May("readReadiness") && !c.Foreign()}
	q, report := p.query(c.Now())
	q.Top = 500
	var file *console.CSV
	for {
		found, err := c.Graph.Page(c.Context(), q, path(report)...)
		switch {
		case err != nil && file == nil:
			return err
		case err != nil:
			panic(http.ErrAbortHandler)
		case file == nil:
			file = c.CSV("people.csv", "id", "displayName", "userPrincipalName", "department", "accountEnabled", "userType", "waysBack", "with")
		}
		for _, o := range found.Items {
			r := rowOf(o, report, c.Now())
			ways := ""
			if report || r.Ways >= 0 {
				ways = strconv.Itoa(r.Ways)
			}
			kind := map[bool]string{true: "Guest", false: "Member"}[r.Guest]
			file.Row(r.ID, r.Name, r.UPN, r.Department, strconv.FormatBool(!r.Off), kind, ways, strings.Join(r.With, " "))
		}
		if q.SkipToken = found.Next; found.Next == "" || c.Context().Err() != nil {
			return file.Close()
		}
		// A large file takes longer than a page may.
		_ = http.NewResponseController(c.W).SetWriteDeadline(time.Now().Add(time.Minute))
	}
}
