// Package authenticator is the phone app as a way to sign in, microsoftAuthenticator in Graph's
// words: which phone is whose, what a request to it asks, and what an answer is worth. The
// rules are pure; time comes in as an argument, storage passes through [Store]. How the app
// talks is package phoneapi's; docs/authenticator.md has the picture and the numbers.
//
//	          Ask                 Answer
//	(none) ─────────▶ open ───────────────▶ approved ──▶ a proof of its sign-in, once
//	                   │ │
//	            60 s   │ └──▶ denied, reported, wrong number: refused
//	                   ▼
//	                 late
package authenticator

import (
	"time"

	"github.com/postern-id/postern/internal/signin"
)

// MethodID is the phone's name in proofs, its step and its page.
const MethodID signin.MethodID = "authenticator"

// The names of a proof by phone in authentication strengths: with the phone's own user
// verification it is two factors, without it one.
const (
	CombinationVerified = "deviceBasedPush"
	CombinationPush     = "microsoftAuthenticatorPush"
)

const (
	// RequestLifetime is how long a person has to answer.
	RequestLifetime = time.Minute
	// EnrolWithin is how long a code adds a phone.
	EnrolWithin = 10 * time.Minute
	// FreshFor is how long after a sign-in by a phone that verified its user other methods may
	// be registered.
	FreshFor = 10 * time.Minute
	// QuietFor is how long after “this wasn't me” nothing is sent for unfamiliar places.
	QuietFor = 24 * time.Hour
	// QuietAtHome is how long nothing is sent for familiar places after one of theirs was that.
	QuietAtHome = time.Hour
	// QuietAfterWrong is how long nothing is sent for unfamiliar places once MostWrong wrong
	// numbers were typed in a row.
	QuietAfterWrong = time.Hour
	// MostWrong is how many wrong numbers in a row are taken for mistakes, and one more.
	MostWrong = 2
)
