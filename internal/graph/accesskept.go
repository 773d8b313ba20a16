package graph

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
)

// How many impacts are kept, and for how long: whoever leaves the page and comes back finds what was
// counted.
const (
	mostKept = 64
	keptFor  = time.Hour
)

// A tally is what an impact came to. It names people by their ids.
type tally struct {
	access.Counts
	days, skipped, riskless int
	from, oldest, at        time.Time
	complete                bool
}

// A keptKey is a question: a draft under the rules that it was tried with.
type keptKey struct {
	tenant directory.TenantID
	hash   [sha256.Size]byte
}

func keyOf(tenant directory.TenantID, there access.Rules, drafts []access.Policy) (keptKey, error) {
	drafts = slices.Clone(drafts)
	for i := range drafts {
		drafts[i].CreatedAt, drafts[i].ModifiedAt = time.Time{}, time.Time{} // one that is not saved is made anew each time
	}
	text, err := json.Marshal(struct {
		Version int64
		Drafts  []access.Policy
	}{there.Version, drafts})
	return keptKey{tenant, sha256.Sum256(text)}, err
}

// tallies are the last ones of each question, oldest first. They are this process's own: another one counts
// anew.
type tallies struct {
	mu  sync.Mutex
	all []keptTally
}

type keptTally struct {
	keptKey
	tally
}

// put keeps t, in the place of the last one and at the cost of the oldest one.
func (k *tallies) put(key keptKey, t tally) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = slices.DeleteFunc(k.all, func(one keptTally) bool { return one.keptKey == key || t.at.Sub(one.at) > keptFor })
	k.all = append(k.all[max(0, len(k.all)-mostKept+1):], keptTally{key, t})
}

// of is the last one of a question, if it is there still; days is how far it looked back, or 0 for
// any.
func (k *tallies) of(key keptKey, days int, now time.Time) (tally, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, one := range k.all {
		if one.keptKey == key && now.Sub(one.at) <= keptFor && (days == 0 || days == one.days) {
			return one.tally, true
		}
	}
	return tally{}, false
}
