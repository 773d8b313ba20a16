package graph

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/provision"
	"github.com/postern-id/postern/internal/request"
)

// maxRows bounds one request; a larger file is sent in parts.
const maxRows = 500

// importTime bounds how long a request goes on with its rows: a client waits for an answer for half a minute or more.
const importTime = 10 * time.Second

// Imports is what an import reads and writes.
type Imports interface {
	provision.Store
	provision.Finder
}

// importPeople serves POST /postern/imports: each row adds a person, changes one, leaves them as
// they are, or is refused for itself; with dryRun it only says which. Rows for which the time does not
// suffice have no answer; the client sends them again.
func (a *API) importPeople(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var dry bool
	var columns []string
	body.Bool("dryRun", &dry)
	body.Strings("columns", &columns)
	objects := body.Objects("rows")
	if len(objects) > maxRows {
		return odata.ErrMember.With("rows", fmt.Sprintf("rows holds at most %d rows; send the others in the next request.", maxRows))
	}
	rows := make([]provision.Row, len(objects))
	numbers := make([]int, len(objects))
	for i, o := range objects {
		numbers[i] = i + 1
		var values []string
		o.Int("row", &numbers[i])
		o.Strings("values", &values)
		if rows[i], err = rowOf(columns, values); err != nil {
			return err
		}
	}
	if err := body.Done(); err != nil {
		return err
	}
	by := provision.By{
		Tenant: c.tenant, Caller: c.caller, Actor: c.actor, Correlation: request.From(c.ctx()).CorrelationID, Source: directory.SourceImport,
	}
	p := provision.Provisioner{Store: a.Store, Now: a.Now}
	all, seen, people, counts := []odata.Entity{}, map[string]int{}, provision.Doubles{}, map[provision.Outcome]int{}
	for begun := a.Now(); len(all) < len(rows) && (len(all) == 0 || a.Now().Sub(begun) < importTime); {
		from := len(all)
		some := rows[from : from+provision.Together(rows[from:])]
		refused := make([]error, len(some))
		for i, row := range some {
			refused[i] = twice(seen, row, numbers[from+i])
		}
		results := p.ImportTogether(c.ctx(), a.Store, by, some, numbers[from:from+len(some)], refused, people, dry)
		if err := c.ctx().Err(); err != nil {
			return err // nobody waits for the other rows
		}
		for i, res := range results {
			counts[res.Outcome]++
			all = append(all, a.importResource(c, numbers[from+i], some[i], res))
		}
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/imports", nil), odata.Entity{
		{Name: "dryRun", Value: dry},
		{Name: "added", Value: counts[provision.Added]},
		{Name: "changed", Value: counts[provision.Changed]},
		{Name: "left", Value: counts[provision.Left]},
		{Name: "refused", Value: counts[provision.Refused]},
		{Name: "rows", Value: all},
	})
}

// rowOf gives values the names of their columns.
func rowOf(columns, values []string) (provision.Row, error) {
	row := provision.Row{}
	if len(values) > len(columns) {
		return nil, odata.ErrMember.With("values", "A row has more values than there are columns.")
	}
	for i, name := range columns {
		proper, ok := provision.Column(name)
		if !ok {
			return nil, odata.ErrMember.With("columns", fmt.Sprintf("There is no column %.60q.", name))
		}
		if _, again := row[proper]; again {
			return nil, odata.ErrMember.With("columns", "The column "+proper+" appears twice.")
		}
		row[proper] = ""
		if i < len(values) {
			if strings.ContainsFunc(values[i], unicode.IsControl) {
				return nil, odata.ErrMember.With("values", "A value has control characters.")
			}
			row[proper] = values[i]
		}
	}
	return row, nil
}

// twice refuses the second row about one person.
func twice(seen map[string]int, row provision.Row, number int) error {
	for _, name := range []string{"externalId", "employeeId", "userPrincipalName"} {
		value := strings.ToLower(strings.TrimSpace(row[name]))
		if value == "" {
			continue
		}
		if first, ok := seen[name+"\x00"+value]; ok {
			return provision.ErrRow.With(name, fmt.Sprintf("Row %d has the same %s.", first, name))
		}
		seen[name+"\x00"+value] = number
	}
	return nil
}

func (a *API) importResource(c *call, number int, row provision.Row, res provision.Result) odata.Entity {
	changes := []odata.Entity{}
	for _, m := range res.Changes {
		changes = append(changes, odata.Entity{
			{Name: "displayName", Value: m.DisplayName}, {Name: "oldValue", Value: m.OldValue}, {Name: "newValue", Value: m.NewValue},
		})
	}
	userID := string(res.User.ID)
	if res.Outcome != provision.Changed && res.Outcome != provision.Left {
		userID = "" // who is added in a dry run has none
	}
	e := odata.Entity{
		{Name: "row", Value: number},
		{Name: "outcome", Value: string(res.Outcome)},
		{Name: "userPrincipalName", Value: text(cmp.Or(res.User.UserPrincipalName, row["userPrincipalName"]))},
		{Name: "userId", Value: text(userID)},
		{Name: "managerMissing", Value: res.ManagerMissing},
		{Name: "changes", Value: changes},
	}
	if res.Err == nil {
		return append(e, odata.Property{Name: "error", Value: nil})
	}
	code, message := "generalException", "Something went wrong on the server. The log has the details under this request-id."
	if f, ok := errors.AsType[*fault.Error](res.Err); ok {
		code, message = f.Code, f.Error()
	} else {
		a.Log.Log(c.ctx(), slog.LevelError, "import a row", "row", number, "err", res.Err)
	}
	return append(e, odata.Property{Name: "error", Value: odata.Entity{{Name: "code", Value: code}, {Name: "message", Value: message}}})
}
