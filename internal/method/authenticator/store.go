package authenticator

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method"
)

// Store keeps phones and the requests to them. What it promises is tested by package
// authenticatortest.
type Store interface {
	method.Store
	// User returns a user, or directory.ErrUserUnknown.
	User(ctx context.Context, tenant directory.TenantID, id directory.UserID) (directory.User, error)

	// Request returns the person's last request with what it brought about, or the zero one.
	Request(ctx context.Context, tenant directory.TenantID, user directory.UserID) (Request, error)
	// Ask stores r as the person's request if [Request.After] lets it follow the last one, whose
	// error it returns. Of concurrent calls for one person one is after the other.
	Ask(ctx context.Context, r Request, now time.Time) error
	// Answer changes the person's request as [Request.Answer] says, whose error it returns, and
	// records what event makes of the changed one, unless that is nil; or does neither. Of
	// concurrent answers one counts, the others are ErrAnswered. A phone that was removed or
	// frozen meanwhile is ErrUnknown.
	Answer(ctx context.Context, tenant directory.TenantID, user directory.UserID, a Answer, now time.Time, event func(Request) *audit.Event) (Request, error)
	// WaitingRequests returns the people of a tenant whose request waits at now, with its id.
	WaitingRequests(ctx context.Context, tenant directory.TenantID, now time.Time) (map[directory.UserID]string, error)

	// PutEnrolment stores e; earlier ones of the same person that were not used are void.
	PutEnrolment(ctx context.Context, e Enrolment) error
	// UseEnrolment returns the enrolment with the hash of a code and marks it used: of concurrent
	// calls one. Used before, too late, unknown, and when its session ended, it is ErrCode.
	UseEnrolment(ctx context.Context, tenant directory.TenantID, codeHash string, now time.Time) (Enrolment, error)

	// PutSubscription keeps where messages for a phone of the person go, as long as the phone is
	// there; the zero one forgets it.
	PutSubscription(ctx context.Context, tenant directory.TenantID, user directory.UserID, phone string, to Subscription) error
	// Subscriptions returns where messages for the person's phones go, by the ids of those that
	// are there and not frozen.
	Subscriptions(ctx context.Context, tenant directory.TenantID, user directory.UserID) (map[string]Subscription, error)
}
