package provision

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/postern-id/postern/internal/directory"
)

// togetherMost is how many rows are stored side by side: changes that wait at the same time share one
// commit to the disk.
const togetherMost = 16

// names are the columns that name a person, also as a manager.
var names = [...]string{"externalId", "employeeId", "userPrincipalName"}

// Together returns how many of the first rows can be stored side by side: at most 16, and none
// after the row of its own manager, who must be there first. Of no rows it is none.
func Together(rows []Row) int {
	there := map[string]bool{}
	for i, r := range rows[:min(len(rows), togetherMost)] {
		if m := folded(r["manager"]); m != "" && there[m] {
			return i
		}
		for _, name := range names {
			there[folded(r[name])] = true
		}
	}
	return min(len(rows), togetherMost)
}

func folded(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// Doubles says which row was about somebody who was there, by their id. Who is added answers to the
// names of that row alone.
type Doubles map[directory.UserID]int

// second refuses a row about a person of an earlier one.
func (d Doubles) second(m match, number int) error {
	if first, ok := d[m.user.ID]; ok && m.there && first != number {
		return ErrRow.With("", fmt.Sprintf("Row %d is about the same person.", first))
	}
	if m.there {
		d[m.user.ID] = number
	}
	return nil
}

// ImportTogether makes the person in each of rows, which have these numbers, be as the row says, or with dry tells what it would
// do; but not where refused already has an error, nor the second row about a person of seen. Each is a change of its own. A row
// that was refused is tried once more when the others are done: one of them may have been in its way, as where somebody gives up
// the name that it brings.
func (p Provisioner) ImportTogether(
	ctx context.Context, find Finder, by By, rows []Row, numbers []int, refused []error, seen Doubles, dry bool,
) []Result {
	results, found := make([]Result, len(rows)), make([]match, len(rows))
	each := func(do func(i int)) {
		var all sync.WaitGroup
		for i := range rows {
			if refused[i] == nil {
				all.Go(func() { do(i) })
			}
		}
		all.Wait()
	}
	each(func(i int) { found[i] = p.match(ctx, find, by, rows[i]) })
	for i, m := range found {
		if refused[i] == nil {
			refused[i] = seen.second(m, numbers[i])
		}
	}
	each(func(i int) { results[i] = p.importRow(ctx, find, by, rows[i], found[i], dry) })
	for i, r := range rows {
		if refused[i] == nil && results[i].Outcome == Refused && len(rows) > 1 && ctx.Err() == nil {
			m := p.match(ctx, find, by, r)
			if refused[i] = seen.second(m, numbers[i]); refused[i] == nil {
				results[i] = p.importRow(ctx, find, by, r, m, dry)
			}
		}
		if refused[i] != nil {
			results[i] = Result{Outcome: Refused, Err: refused[i]}
		}
	}
	return results
}
