package container_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/devicepolicy"
)

func TestRules(t *testing.T) {
	usual := container.RulesFrom(devicepolicy.Resolve(devicepolicy.Facts{Platform: devicepolicy.Linux}))
	strict := container.Rules{Least: 8, Most: 12, Digits: container.Required, Lower: container.Required, Upper: container.Allowed, Special: container.Required}
	for _, c := range []struct {
		rules container.Rules
		pin   string
		want  string // part of the sentence; "" when the PIN will do
	}{
		{usual, "246813", ""},
		{usual, "24681", "at least 6"},
		{usual, "", "at least 6"},
		{usual, strings.Repeat("13", 63) + "7", ""},
		{usual, strings.Repeat("13", 64), "at most 127"},
		{usual, "24681a", "small letters out"},
		{usual, "24681A", "capital letters out"},
		{usual, "24681!", "special characters out"},
		{usual, "24681 ", "without spaces"},
		{usual, "24681é", "every keyboard"},
		{usual, "111111", "Too easy"},
		{usual, "123456", "Too easy"},
		{usual, "135791", "Too easy"}, // by 2, counted around
		{usual, "963074", "Too easy"}, // by 7
		{usual, "159372", ""},
		{usual, "123123", ""},
		{strict, "ab12-cdef", ""},
		{strict, "ab12cdef", "special characters, too"},
		{strict, "12345-678", "small letters, too"},
		{strict, "abcde-fgh", "digits, too"},
		{strict, "ab1-", "at least 8"},
	} {
		err := c.rules.Check(c.pin)
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, container.ErrPIN) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v, want %q", c.pin, err, c.want)
		}
	}
}

// The examples of Microsoft's documentation for PINs that are too simple, and for some that
// are not.
func TestTheExamplesOfSimplePINs(t *testing.T) {
	rules := container.Rules{Least: 4, Most: 127, Digits: container.Required}
	for pin, simple := range map[string]bool{"1111": true, "1234": true, "1357": true, "9630": true, "1593": true, "7036": true, "1231": false, "1872": false} {
		if got := rules.Check(pin) != nil; got != simple {
			t.Errorf("%s is simple: %v, want %v", pin, got, simple)
		}
	}
}

func TestWhenAPINEndsAndWhichAreRefused(t *testing.T) {
	for _, c := range []struct{ history, days, past, ends int64 }{{0, 0, 0, 0}, {5, 0, 5, 0}, {0, 30, 1, 30}, {5, 30, 5, 30}} {
		e := devicepolicy.Effective{}
		for uri, n := range map[string]int64{devicepolicy.PINHistory: c.history, devicepolicy.PINExpiration: c.days} {
			e[uri] = devicepolicy.Outcome{Value: devicepolicy.IntValue(n)}
		}
		want := time.Time{}
		if c.ends > 0 {
			want = nine.Add(time.Duration(c.ends) * 24 * time.Hour)
		}
		if r := container.RulesFrom(e); r.Past != int(c.past) || !r.Ends(nine).Equal(want) {
			t.Errorf("%+v: %d refused, ends %v", c, r.Past, r.Ends(nine))
		}
	}
}
