package method

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
	"github.com/postern-id/postern/internal/signin"
)

// Store keeps credentials. What it promises is tested by package methodtest.
type Store interface {
	// Credentials returns a person's credentials of every kind, oldest first, those that can't be read
	// among them.
	Credentials(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]Credential, error)
	// Credential returns a credential, or ErrNone.
	Credential(ctx context.Context, tenant directory.TenantID, id string) (Credential, error)
	// CredentialBy returns the credential of a kind with that lookup, or ErrNone.
	CredentialBy(ctx context.Context, tenant directory.TenantID, kind signin.MethodID, lookup string) (Credential, error)

	// AddCredential stores c, ends bootstrap passes that nobody needs any more, queues the mails
	// and records e; or does none of it. ErrKnown when the lookup is there, ErrTooMany when the
	// person has most of the kind, directory.ErrUserUnknown when the person is gone or switched
	// off, ErrProof when the session that it comes from has ended. Bootstrap passes end as
	// hello.Store.RegisterKey says if c is strong (docs/threat-model.md, rule 7).
	AddCredential(ctx context.Context, c Credential, a Addition, mails ...outbox.Item) error
	// ReplaceCredential stores c in the place of the credential in.Old, ends at c.CreatedAt the
	// sessions and tokens that came from that one, except the session in.Keep, which comes from c
	// from now on, queues the mails and records e; or does none of it. ErrNone when in.Old is gone;
	// ErrKnown, ErrProof and directory.ErrUserUnknown as AddCredential, but the account may be
	// switched off.
	ReplaceCredential(ctx context.Context, c Credential, in Replacement, e audit.Event, mails ...outbox.Item) error
	// RenameCredential replaces the name of c, and ChangeCredential its data; each leaves the
	// other as it is stored. ErrNone when it is gone.
	RenameCredential(ctx context.Context, c Credential, e audit.Event, mails ...outbox.Item) error
	ChangeCredential(ctx context.Context, c Credential, e audit.Event, mails ...outbox.Item) error
	// FreezeCredential sets or (with a zero c.FrozenAt) lifts the freeze; freezing ends the
	// sessions that came from it at at.
	FreezeCredential(ctx context.Context, c Credential, at time.Time, e audit.Event, mails ...outbox.Item) error
	// RemoveCredential deletes c, ends at at every session and token that came from it, queues
	// the mails and records e; or does none of it. ErrNone when it is gone.
	RemoveCredential(ctx context.Context, c Credential, at time.Time, e audit.Event, mails ...outbox.Item) error
	// CredentialsFrom returns the credentials that were registered under a pass.
	CredentialsFrom(ctx context.Context, tenant directory.TenantID, pass string) ([]Credential, error)

	// Estate returns what a person can sign in with, where they are signed in at at, and the
	// devices that they own.
	Estate(ctx context.Context, tenant directory.TenantID, user directory.UserID, at time.Time) (Estate, error)
	// Dispute freezes the credentials that came from what f disputes, removes device PINs and
	// ends sessions that came from it, queues the mails and records the events; or does none of
	// it. It works once for each event, else ErrDispute.
	Dispute(ctx context.Context, f Frost) error
	// Revert removes what came from a pass, and the pass, if that still is what r.Tag names, else
	// ErrLineageChanged; sessions and tokens end, devices are switched off if r says so, and the
	// events are recorded; or none of it. It returns what was removed. An empty tag is for a case only.
	Revert(ctx context.Context, r Reversal) (Estate, error)
	// Quarantine ends the pass of a recovery case, the sessions and tokens that came from it, and
	// device PINs; freezes the credentials that came from it, switches devices off if q says so,
	// and records the events; or none of it. It returns what it found. Done twice it ends what
	// came meanwhile; what was frozen stays so since then.
	Quarantine(ctx context.Context, q Quarantine) (Estate, error)
	// Release thaws what the quarantine of a case froze at r.FrozenAt, and nothing that was frozen
	// otherwise, switches on devices that it switched off and nobody else did since, and records the events; or
	// none of it. It returns these.
	Release(ctx context.Context, r Release) (Estate, error)
}

// An Addition is what AddCredential does beside storing.
type Addition struct {
	Most   int  // of the kind a person may have
	Strong bool // phishing-resistant
	Event  audit.Event
	Ended  func(user directory.UserID, pass string) audit.Event // of a bootstrap pass that ends
}

// A Revision says which version of a policy somebody read. The zero Revision is that of a
// policy that was never saved.
type Revision struct {
	Version    int64
	ModifiedAt time.Time
}

// Policies keeps the policies of methods under the ids of Graph's configurations.
type Policies interface {
	// MethodPolicy decodes the stored policy over *body, which holds the defaults.
	MethodPolicy(ctx context.Context, tenant directory.TenantID, id string, body any) (Revision, error)
	// SaveMethodPolicy replaces the policy if it is still the one of from, at from.ModifiedAt, and
	// records e; else ErrPolicyChanged.
	SaveMethodPolicy(ctx context.Context, tenant directory.TenantID, id string, from Revision, body any, e audit.Event) error
}
