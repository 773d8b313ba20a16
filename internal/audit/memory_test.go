package audit_test

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/audit/audittest"
)

// memory is a store for the tests of the pure rules. Tests tamper with its fields.
type memory struct {
	mu   sync.Mutex
	logs map[string]*memoryLog
}

type memoryLog struct {
	head        audit.Head
	queue       []audit.Entry
	sealed      []audit.SealedEntry
	hashes      []audit.Hash
	checkpoints []audit.StoredCheckpoint
}

func newMemory() *memory { return &memory{logs: map[string]*memoryLog{}} }

// log returns tenant's log; the caller holds mu.
func (m *memory) log(tenant string) *memoryLog {
	if m.logs[tenant] == nil {
		m.logs[tenant] = &memoryLog{head: audit.NewHead(tenant)}
	}
	return m.logs[tenant]
}

func (m *memory) Append(_ context.Context, entries []audit.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range entries {
		l := m.log(e.Tenant)
		l.queue = append(l.queue, e)
		slices.SortFunc(l.queue, func(a, b audit.Entry) int {
			return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
		})
	}
	return nil
}

func (m *memory) Tenants(context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var tenants []string
	for tenant, l := range m.logs {
		if len(l.queue) > 0 {
			tenants = append(tenants, tenant)
		}
	}
	return tenants, nil
}

func (m *memory) Head(_ context.Context, tenant string) (audit.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log(tenant).head, nil
}

func (m *memory) Unsealed(_ context.Context, tenant string, limit int) ([]audit.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	q := m.log(tenant).queue
	return slices.Clone(q[:min(limit, len(q))]), nil
}

func (m *memory) Hashes(_ context.Context, tenant string, indexes []int64) ([]audit.Hash, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, out := m.log(tenant), make([]audit.Hash, len(indexes))
	for i, index := range indexes {
		if index < int64(len(l.hashes)) {
			out[i] = l.hashes[index]
		}
	}
	return out, nil
}

func (m *memory) Advance(_ context.Context, s audit.Step) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.log(s.From.Tenant)
	if l.head != s.From || int64(len(l.hashes)) != s.FirstHash {
		return audit.ErrStale
	}
	sealed, queue := slices.Clone(l.sealed), slices.Clone(l.queue)
	for i, id := range s.Entries {
		at := slices.IndexFunc(queue, func(e audit.Entry) bool { return e.ID == id })
		if at < 0 {
			return audit.ErrStale
		}
		sealed = append(sealed, audit.SealedEntry{Position: s.From.Size + int64(i), Entry: queue[at]})
		queue = slices.Delete(queue, at, at+1)
	}
	l.head, l.sealed, l.queue = s.To, sealed, queue
	l.hashes = append(l.hashes, s.Hashes...)
	l.checkpoints = append(l.checkpoints, audit.StoredCheckpoint{Size: s.To.Size, Note: s.Checkpoint})
	return nil
}

func (m *memory) Sealed(_ context.Context, tenant string, from int64, limit int) ([]audit.SealedEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []audit.SealedEntry
	for _, e := range m.log(tenant).sealed {
		if e.Position >= from && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (m *memory) Checkpoints(_ context.Context, tenant string, after int64, limit int) ([]audit.StoredCheckpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []audit.StoredCheckpoint
	for _, c := range m.log(tenant).checkpoints {
		if c.Size > after && len(out) < limit {
			out = append(out, c)
		}
	}
	return out, nil
}

func TestMemoryKeepsTheContractOfStores(t *testing.T) {
	audittest.SealStore(t, func(testing.TB) audittest.Store { return newMemory() })
}

const (
	contoso  = "11111111-1111-4111-8111-111111111111"
	fabrikam = "22222222-2222-4222-8222-222222222222"
	zoe      = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	adam     = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 123456000, time.UTC)

// eventID returns the id of the n-th event of a test.
func eventID(n int) string { return fmt.Sprintf("eeeeeeee-eeee-4eee-8eee-%012d", n) }

// signIn returns a sign-in event with all personal fields set.
func signIn(tenant string, n int) audit.Event {
	return audit.Event{
		Tenant: tenant, ID: eventID(n), At: nine.Add(time.Duration(n) * time.Second),
		CorrelationID: "cccccccc-cccc-4ccc-8ccc-cccccccccccc",
		SignIn: &audit.SignIn{
			UserID: zoe, UserPrincipalName: "Zoe@contoso.example", UserDisplayName: "Zoë Ω", UnknownName: "5f2c",
			AppID: "0ff1ce", AppDisplayName: "Sample", IPAddress: "192.0.2.7", UserAgent: "Mozilla/5.0 <b>",
			Browser: "Firefox 150", OperatingSystem: "Linux", ClientAppUsed: audit.ClientBrowser,
			Interactive: true, EventType: audit.InteractiveUser, ErrorCode: 130503, FailureReason: "The pass is wrong.",
			AdditionalDetails: "tried twice", PassID: "9a55", AuthenticationRequirement: audit.MultiFactor,
			Protocol: audit.ProtocolOAuth2, IncomingTokenType: audit.IncomingNone,
			Details: []audit.AuthenticationDetail{{
				Method: audit.MethodPass, Detail: audit.PassOneTime, Requirement: audit.StepPrimary, At: nine,
			}},
		},
	}
}

// change returns an event of the audit log with all personal fields set.
func change(tenant string, n int) audit.Event {
	return audit.Event{
		Tenant: tenant, ID: eventID(n), At: nine.Add(time.Duration(n) * time.Second),
		CorrelationID: "cccccccc-cccc-4ccc-8ccc-cccccccccccc",
		Change: &audit.Change{
			Activity: audit.AdminRegisteredSecurityInfo, Category: audit.CategoryUserManagement,
			Service: audit.ServiceAuthenticationMethods, Operation: audit.OperationAdd, Result: audit.Success,
			ResultReason: audit.ReasonAdminRegisteredPass,
			By: audit.Actor{User: &audit.UserActor{
				ID: adam, DisplayName: "Adam Helpdesk", UserPrincipalName: "adam@contoso.example", IPAddress: "2001:db8::1",
			}},
			Targets: []audit.Target{{
				ID: zoe, Type: audit.TargetUser, DisplayName: "Zoë Ω", UserPrincipalName: "zoe@contoso.example",
				Modified: []audit.ModifiedProperty{{
					DisplayName: audit.PropertyAccessPassUsage, OldValue: `"before"`, NewValue: `"Multiple"`,
				}},
			}},
			Details: []audit.KeyValue{{Key: "ticket", Value: "INC-4711"}, {Key: "reason", Value: "lost telephone"}},
		},
	}
}

// log is a sealed log of contoso under test.
type log struct {
	*memory
	key    ed25519.PrivateKey
	sealer *audit.Sealer
	next   int // number of the next event
}

func newLog(t *testing.T) *log {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	return &log{memory: m, key: key, sealer: &audit.Sealer{
		Store: m,
		Key:   func(context.Context, string) (crypto.Signer, error) { return key, nil },
		Now:   func() time.Time { return nine },
		Log:   slog.New(slog.DiscardHandler),
	}}
}

// batch seals n more events of contoso as one batch.
func (l *log) batch(t *testing.T, n int) {
	t.Helper()
	for range n {
		e := signIn(contoso, l.next)
		if l.next%2 == 1 {
			e = change(contoso, l.next)
		}
		l.next++
		l.append(t, e)
	}
	l.seal(t)
}

// append commits an event without sealing it.
func (l *log) append(t *testing.T, e audit.Event) audit.Entry {
	t.Helper()
	entry, err := e.Seal(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), []audit.Entry{entry}); err != nil {
		t.Fatal(err)
	}
	return entry
}

func (l *log) seal(t *testing.T) {
	t.Helper()
	if _, err := l.sealer.SealOnce(t.Context(), contoso); err != nil {
		t.Fatal(err)
	}
}

// restore begins a new epoch.
func (l *log) restore(t *testing.T) {
	t.Helper()
	e := change(contoso, l.next)
	l.next++
	e.Change.Activity = audit.RestoreBackup
	e.Change.Log = &audit.LogMark{Epoch: l.state().head.Epoch + 1, LastCheckpoint: string(l.lastNote())}
	if err := l.sealer.BeginEpoch(t.Context(), l.append(t, e)); err != nil {
		t.Fatal(err)
	}
}

// announce seals an event that says that the entries before position may be pruned.
func (l *log) announce(t *testing.T, position int64) {
	t.Helper()
	e := change(contoso, l.next)
	l.next++
	e.Change.Activity, e.Change.Log = audit.PruneLog, &audit.LogMark{PrunedBefore: position}
	l.append(t, e)
	l.seal(t)
}

func (l *log) state() *memoryLog { return l.log(contoso) }

// lastNote returns the last stored checkpoint, or nothing.
func (l *log) lastNote() []byte {
	if cps := l.state().checkpoints; len(cps) > 0 {
		return cps[len(cps)-1].Note
	}
	return nil
}

// options returns the options to verify contoso's log with, against a witness that kept these
// checkpoints, if any.
func (l *log) options(witness ...[]byte) audit.Options {
	o := audit.Options{Tenant: contoso, Keys: []ed25519.PublicKey{l.key.Public().(ed25519.PublicKey)}}
	if witness != nil {
		o.Witnesses = []iter.Seq2[[]byte, error]{notes(witness...)}
	}
	return o
}

// notes returns what a witness kept.
func notes(witness ...[]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, n := range witness {
			if !yield(n, nil) {
				return
			}
		}
	}
}

// verify verifies contoso's log against the witness's checkpoints.
func (l *log) verify(t *testing.T, witness ...[]byte) (audit.Report, error) {
	t.Helper()
	return audit.Verify(t.Context(), l.memory, l.options(witness...))
}
