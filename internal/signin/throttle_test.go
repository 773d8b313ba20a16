package signin

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// spend takes n tries at at and fails when one is refused.
func spend(t *testing.T, r Rule, c Counter, n int, at time.Time) Counter {
	t.Helper()
	for i := range n {
		var wait time.Duration
		if c, wait = r.Charge(c, at); wait != 0 {
			t.Fatalf("try %d of %d has to wait %s", i+1, n, wait)
		}
	}
	return c
}

func TestALockDoublesUpToAnHour(t *testing.T) {
	c, at := Counter{}, nine
	for i, minutes := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60} {
		want := time.Duration(minutes) * time.Minute
		c = spend(t, ruleAddress, c, 10, at)
		for _, w := range []struct {
			at   time.Time
			wait time.Duration
		}{{at, want}, {at.Add(want - 1), 1}} {
			after, wait := ruleAddress.Charge(c, w.at)
			if wait != w.wait || after != c {
				t.Errorf("lock %d: wait %s and %+v, want %s and %+v", i+1, wait, after, w.wait, c)
			}
		}
		at = at.Add(want)
	}
}

func TestCharge(t *testing.T) {
	full := Counter{Failures: 50, WindowAt: nine, UpdatedAt: nine}
	locked := Counter{Level: 5, LockedUntil: nine.Add(time.Hour), UpdatedAt: nine}
	for _, c := range []struct {
		name string
		rule Rule
		c    Counter
		at   time.Time
		wait time.Duration
		want Counter
	}{
		{"the first try", ruleAddress, Counter{}, nine, 0, Counter{Failures: 1, WindowAt: nine, UpdatedAt: nine}},
		{"beyond an hour's budget", ruleAccount, full, nine, 10 * time.Second, full},
		{"just before the next slow try", ruleAccount, full, nine.Add(10*time.Second - 1), 1, full},
		{
			"the next slow try", ruleAccount, full, nine.Add(10 * time.Second), 0,
			Counter{Failures: 51, WindowAt: nine, UpdatedAt: nine.Add(10 * time.Second)},
		},
		{
			"a new hour", ruleAccount, full, nine.Add(time.Hour), 0,
			Counter{Failures: 1, WindowAt: nine.Add(time.Hour), UpdatedAt: nine.Add(time.Hour)},
		},
		{
			"just before a quiet day is over", ruleAddress, locked, nine.Add(24*time.Hour - 1), 0,
			Counter{Failures: 1, Level: 5, LockedUntil: locked.LockedUntil, UpdatedAt: nine.Add(24*time.Hour - 1)},
		},
		{
			"after a quiet day", ruleAddress, locked, nine.Add(24 * time.Hour), 0,
			Counter{Failures: 1, WindowAt: nine.Add(24 * time.Hour), UpdatedAt: nine.Add(24 * time.Hour)},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, wait := c.rule.Charge(c.c, c.at); got != c.want || wait != c.wait {
				t.Errorf("got %+v, %s\nwant %+v, %s", got, wait, c.want, c.wait)
			}
		})
	}
}

func TestRefund(t *testing.T) {
	for _, c := range []struct {
		name    string
		rule    Rule
		c, want Counter
	}{
		{"an hourly count goes down by one", ruleAccount, Counter{Failures: 7, WindowAt: nine, UpdatedAt: nine}, Counter{Failures: 6, WindowAt: nine, UpdatedAt: nine}},
		{"an empty hourly count stays", ruleAccount, Counter{}, Counter{}},
		{"any other starts anew", ruleFamiliar, Counter{Failures: 7, Level: 3, WindowAt: nine, UpdatedAt: nine}, Counter{WindowAt: nine, UpdatedAt: nine}},
		{"the last try of the budget opens the lock", ruleAddress, Counter{Level: 1, LockedUntil: nine.Add(time.Minute), UpdatedAt: nine}, Counter{UpdatedAt: nine}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.rule.Refund(c.c); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestBuckets(t *testing.T) {
	for _, c := range []struct {
		name, address, familiar string
		want                    []Bucket
	}{
		{"IPv4", "192.0.2.7", "", []Bucket{{"account|a|accesspass", ruleAccount}, {"address|a|192.0.2.7/32", ruleAddress}}},
		{"IPv4 in IPv6's form is the same", "::ffff:192.0.2.7", "", []Bucket{{"account|a|accesspass", ruleAccount}, {"address|a|192.0.2.7/32", ruleAddress}}},
		{"IPv6 counts three networks", "2001:db8:1:2ff:3:4:5:6", "", []Bucket{
			{"account|a|accesspass", ruleAccount},
			{"address|a|2001:db8:1:2ff::/64", ruleAddress},
			{"address|a|2001:db8:1:200::/56", ruleNet56},
			{"address|a|2001:db8:1::/48", ruleNet48},
		}},
		{"no address", "", "", []Bucket{{"account|a|accesspass", ruleAccount}, {"address|a|none", ruleAddress}}},
		{"a familiar place has a budget of its own", "192.0.2.7", "place", []Bucket{{"familiar|a|place", ruleFamiliar}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var place Place
			if c.address != "" {
				place.Address = netip.MustParseAddr(c.address)
			}
			if got := buckets("a", Bucket{"account|a|accesspass", ruleAccount}, place, c.familiar); !slices.Equal(got, c.want) {
				t.Errorf("got %v\nwant %v", got, c.want)
			}
			if network := place.Network(); c.familiar == "" && !strings.HasSuffix(c.want[1].Name, network) {
				t.Errorf("the network is %s", network)
			}
		})
	}
}
