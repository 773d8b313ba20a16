package authenticator

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func waiting() Request {
	return Request{ID: "r1", Transaction: "t1", CreatedAt: nine, EndsAt: nine.Add(RequestLifetime), Number: "47"}
}

func TestAnAnswer(t *testing.T) {
	approve := Answer{Request: "r1", Say: Approve, Number: "47", Phone: "p1"}
	with := func(change func(*Answer)) Answer {
		a := approve
		change(&a)
		return a
	}
	denied := waiting()
	denied.Outcome = Denied
	for _, c := range []struct {
		name    string
		r       Request
		a       Answer
		after   time.Duration
		want    Outcome
		refused error
	}{
		{"the page's number approves", waiting(), approve, 0, Approved, nil},
		{"another number ends the request", waiting(), with(func(a *Answer) { a.Number = "48" }), 0, Wrong, nil},
		{"no number ends the request", waiting(), with(func(a *Answer) { a.Number = "" }), 0, Wrong, nil},
		{"the number with a zero before it is another", waiting(), with(func(a *Answer) { a.Number = "047" }), 0, Wrong, nil},
		{"denied", waiting(), with(func(a *Answer) { a.Say, a.Number = Deny, "" }), 0, Denied, nil},
		{"this wasn't me", waiting(), with(func(a *Answer) { a.Say = Report }), 0, Reported, nil},
		{"a millisecond before the end", waiting(), approve, RequestLifetime - time.Millisecond, Approved, nil},
		{"at the end", waiting(), approve, RequestLifetime, Open, ErrLate},
		{"answered before", denied, approve, 0, Denied, ErrAnswered},
		{"answered before, too late as well", denied, approve, RequestLifetime, Denied, ErrAnswered},
		{"for another request", waiting(), with(func(a *Answer) { a.Request = "r0" }), 0, Open, ErrOther},
		{"for none", Request{}, with(func(a *Answer) { a.Request = "" }), 0, Open, ErrOther},
		{"something else", waiting(), with(func(a *Answer) { a.Say = "maybe" }), 0, Open, ErrAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.r.Answer(c.a, nine.Add(c.after))
			if !errors.Is(err, c.refused) || got.Outcome != c.want {
				t.Errorf("got %q, %v; want %q, %v", got.Outcome, err, c.want, c.refused)
			}
		})
	}
}

func TestWhatARequestIsWorth(t *testing.T) {
	answered := func(say, number string, verified bool) Request {
		r, err := waiting().Answer(Answer{Request: "r1", Say: say, Number: number, Verified: verified, Phone: "p1"}, nine.Add(10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, c := range []struct {
		name            string
		r               Request
		id, transaction string
		after           time.Duration
		want            string
		refused         error
	}{
		{"approved", answered(Approve, "47", false), "r1", "t1", 20 * time.Second, CombinationPush, nil},
		{"approved by who unlocked the phone", answered(Approve, "47", true), "r1", "t1", 20 * time.Second, CombinationVerified, nil},
		{"approved in time, fetched a little later", answered(Approve, "47", false), "r1", "t1", 119 * time.Second, CombinationPush, nil},
		{"approved, and nobody waits any more", answered(Approve, "47", false), "r1", "t1", 120 * time.Second, "", ErrNoAnswer},
		{"approved for another sign-in", answered(Approve, "47", false), "r1", "t2", 20 * time.Second, "", ErrNotSent},
		{"approved, an earlier one of the sign-in", answered(Approve, "47", false), "r0", "t1", 20 * time.Second, "", ErrNotSent},
		{"none was sent", Request{}, "", "t1", 0, "", ErrNotSent},
		{"open", waiting(), "r1", "t1", 59 * time.Second, "", ErrWaiting},
		{"not answered", waiting(), "r1", "t1", 60 * time.Second, "", ErrNoAnswer},
		{"wrong number by who unlocked the phone", answered(Approve, "11", true), "r1", "t1", 20 * time.Second, "", ErrWrongNumber},
		{"denied", answered(Deny, "", false), "r1", "t1", 20 * time.Second, "", ErrDenied},
		{"reported", answered(Report, "", false), "r1", "t1", 20 * time.Second, "", ErrReported},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := c.r.Proof(c.id, c.transaction, nine.Add(c.after))
			if !errors.Is(err, c.refused) || p.Combination != c.want {
				t.Errorf("got %q, %v; want %q, %v", p.Combination, err, c.want, c.refused)
			}
			if mfa := slices.Contains(p.AMR, "mfa"); mfa != (c.want == CombinationVerified) || mfa == p.FreshUntil.IsZero() {
				t.Errorf("amr %v, fresh until %v", p.AMR, p.FreshUntil)
			}
		})
	}
}

func TestWhetherARequestMayFollow(t *testing.T) {
	reported := func(familiar bool) Request {
		r := waiting()
		r.Familiar = familiar
		r, err := r.Answer(Answer{Request: "r1", Say: Report}, nine)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	atHome := waiting()
	atHome.Familiar = true
	approved := waiting()
	approved.Outcome, approved.AnsweredAt = Approved, nine
	for _, c := range []struct {
		name     string
		former   Request
		familiar bool
		same     bool // sign-in
		after    time.Duration
		refused  error
	}{
		{"the first one", Request{}, false, false, 0, nil},
		{"while one is open", waiting(), false, false, 0, ErrOpen},
		{"while one of the same sign-in is open", waiting(), false, true, 0, nil},
		{"of a familiar place, while one of an unfamiliar place is open", waiting(), true, false, 0, nil},
		{"of a familiar place, while one of a familiar place is open", atHome, true, false, 0, ErrOpen},
		{"of an unfamiliar place, while one of a familiar place is open", atHome, false, false, 0, ErrOpen},
		{"while the page of an approved one has not asked yet", approved, false, false, held - time.Second, ErrOpen},
		{"of the same sign-in as an approved one", approved, false, true, 0, nil},
		{"some time after an approved one", approved, false, false, held, nil},
		{"after one ended", waiting(), false, false, RequestLifetime, nil},
		{"after one was reported", reported(false), false, false, QuietFor - time.Second, ErrQuiet},
		{"a day after one was reported", reported(false), false, false, QuietFor, nil},
		{"of a familiar place, after one of elsewhere was reported", reported(false), true, false, 0, nil},
		{"of a familiar place, after one of there was reported", reported(true), true, false, QuietAtHome - time.Second, ErrQuiet},
		{"of a familiar place, an hour after one of there was reported", reported(true), true, false, QuietAtHome, nil},
		{"of an unfamiliar place, an hour after one of a familiar place was reported", reported(true), false, false, QuietAtHome, ErrQuiet},
	} {
		t.Run(c.name, func(t *testing.T) {
			next := Request{ID: "r2", Transaction: "t2", Familiar: c.familiar}
			if c.same {
				next.Transaction = "t1"
			}
			got, err := next.After(c.former, nine.Add(c.after))
			if !errors.Is(err, c.refused) {
				t.Errorf("got %v, want %v", err, c.refused)
			}
			if !got.QuietUntil.Equal(c.former.QuietUntil) || !got.QuietAtHomeUntil.Equal(c.former.QuietAtHomeUntil) {
				t.Error("the next request forgot what was reported")
			}
		})
	}
}

// Who types anything at every request that a stranger can send is right with a quarter of the
// odds within a day (docs/authenticator.md), not with certainty.
func TestWrongNumbersHoldStrangersBack(t *testing.T) {
	var last Request
	now, answered := nine, 0
	for now.Before(nine.Add(24 * time.Hour)) {
		next, err := Request{ID: "r", Transaction: now.String(), CreatedAt: now, EndsAt: now.Add(RequestLifetime), Number: "47"}.After(last, now)
		if err != nil {
			now = now.Add(time.Minute)
			continue
		}
		if last, err = next.Answer(Answer{Request: "r", Say: Approve, Number: "11"}, now); err != nil {
			t.Fatal(err)
		}
		answered++
	}
	if answered != 25 {
		t.Errorf("%d guesses a day, want 25", answered)
	}
	home, err := Request{ID: "h", Familiar: true, Number: "47", EndsAt: now.Add(RequestLifetime)}.After(last, now)
	if err != nil {
		t.Fatalf("strangers keep a familiar place away: %v", err)
	}
	if home, err = home.Answer(Answer{Request: "h", Say: Approve, Number: "47"}, now); err != nil || home.Wrongs != 0 {
		t.Errorf("after the right number %d wrong ones count, %v", home.Wrongs, err)
	}
}

// A blind guess is right once in ninety times, however often it is repeated in one sign-in.
func TestNumbersAreOfTwoDigitsAndEven(t *testing.T) {
	seen := map[string]int{}
	challenge := []byte("a challenge of thirty-two bytes.")
	const draws = 90 * 400
	for round := range draws {
		seen[Number(challenge, round)]++
	}
	if len(seen) != Numbers {
		t.Fatalf("%d different numbers, want %d", len(seen), Numbers)
	}
	for n, times := range seen {
		if v, err := strconv.Atoi(n); err != nil || v < 10 || v > 99 {
			t.Errorf("number %q", n)
		}
		if times < 280 || times > 520 { // six standard deviations from 400
			t.Errorf("%s came %d times of %d", n, times, draws)
		}
	}
	if again := Number(bytes.Clone(challenge), 1); Number(challenge, 1) != again {
		t.Error("the same page again has another number")
	}
}

func TestACodeIsReadHoweverItIsTyped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), codeLength, codeLength).Draw(t, "raw")
		code, err := NewCode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		for _, typed := range []string{code, ShowCode(code), " " + strings.ToLower(ShowCode(code)) + "\n"} {
			if got, ok := ParseCode(typed); !ok || got != code {
				t.Fatalf("ParseCode(%q) = %q, %t", typed, got, ok)
			}
		}
	})
	for _, typed := range []string{"", "ABCD-EFGH-JKL", "ABCD-EFGH-JKL0", "ABCD-EFGH-JKLMN", "ÄBCD-EFGH-JKLM"} {
		if got, ok := ParseCode(typed); ok {
			t.Errorf("ParseCode(%q) = %q", typed, got)
		}
	}
}

// RFC 7518 section 3.4: what signs by ES256 is on P-256.
func TestAPhoneHasAKeyOnP256(t *testing.T) {
	for curve, want := range map[elliptic.Curve]error{elliptic.P256(): nil, elliptic.P384(): ErrKey} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := CheckKey(&key.PublicKey); !errors.Is(err, want) {
			t.Errorf("%s: %v", curve.Params().Name, err)
		}
	}
	if _, err := CheckKey([]byte("a key")); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
}

// Who guessed a number did not verify anybody.
func TestOnlyAnApprovalIsVerified(t *testing.T) {
	for _, a := range []Answer{{Say: Approve, Number: "48"}, {Say: Deny}, {Say: Report}} {
		a.Request, a.Verified = "r1", true
		if got, err := waiting().Answer(a, nine); err != nil || got.Verified {
			t.Errorf("%s: %t, %v", a.Say, got.Verified, err)
		}
	}
}
