package phoneapi

import (
	"encoding/json"
	"fmt"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/signin"
)

// News tell a person that a way of theirs to sign in changed, or their recovery went on: what
// happened, and to which kind.
// Neither its name nor who did it is in them; the mail, the log and the person's page have that.
type News struct {
	Change string          `json:"change"` // as in method.Change; of a recovery, its step
	Method signin.MethodID `json:"method"`
}

// Recovery stands where the kind of a method does, in news of a person's recovery.
const Recovery signin.MethodID = "recovery"

const (
	// newsKept is how many news wait for a stream that is slow; further ones are not told there.
	newsKept = 8
	// newsLifetime is how long a push service keeps them for a phone that is off, in seconds.
	newsLifetime = 24 * 60 * 60
)

// Tell lets the apps of a person know that are open and listen to this process. It never waits.
func (f *Feed) Tell(tenant directory.TenantID, user directory.UserID, n News) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, windows := range f.tenants[tenant] {
		for _, s := range windows {
			if s.user != user {
				continue
			}
			select {
			case s.news <- n:
			default:
			}
		}
	}
}

// event is n as a stream has it.
func (n News) event() string {
	text, _ := json.Marshal(n) // two strings
	return fmt.Sprintf("event: change\ndata: %s\n\n", text)
}

// Tell sends the phones of a person a message, soon. Requests of sign-ins go before: news take
// only half of the queue, however many people are changed at once.
func (p *Push) Tell(tenant directory.TenantID, user directory.UserID, n News) {
	p.begin()
	if len(p.queue) >= pushQueue/2 {
		p.Log.Warn("phones are not told of a change: too many wait for it", "tenant_id", tenant)
		return
	}
	p.put(errand{tenant: tenant, user: user, news: n})
}
