package provision

import (
	"context"
	"strings"
	"sync"
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

// ImportTogether does what Import does for each of rows, but for those that refused already has an
// error for. Each is a change of its own. A row that was refused is tried once more when the others are done: one of them
// may have been in its way, as where somebody gives up the name that it brings.
func (p Provisioner) ImportTogether(ctx context.Context, find Finder, by By, rows []Row, refused []error, dry bool) []Result {
	results := make([]Result, len(rows))
	var all sync.WaitGroup
	for i, r := range rows {
		if results[i].Err = refused[i]; refused[i] != nil {
			results[i].Outcome = Refused
			continue
		}
		all.Go(func() { results[i] = p.Import(ctx, find, by, r, dry) })
	}
	all.Wait()
	for i, r := range rows {
		if results[i].Outcome == Refused && refused[i] == nil && len(rows) > 1 && ctx.Err() == nil {
			results[i] = p.Import(ctx, find, by, r, dry)
		}
	}
	return results
}
