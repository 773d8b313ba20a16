package devicepolicy_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/devicepolicy"
	"github.com/postern-id/postern/internal/directory"
)

const (
	laptops directory.GroupID = "11111111-1111-4111-8111-111111111111"
	kiosks  directory.GroupID = "22222222-2222-4222-8222-222222222222"
	drivers directory.GroupID = "33333333-3333-4333-8333-333333333333"
)

var (
	nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

	everyDevice = devicepolicy.Assignment{Target: devicepolicy.AllDevices}
	everybody   = devicepolicy.Assignment{Target: devicepolicy.AllUsers}
)

func to(g directory.GroupID) devicepolicy.Assignment {
	return devicepolicy.Assignment{Target: devicepolicy.Group, Group: g}
}

func except(g directory.GroupID) devicepolicy.Assignment {
	return devicepolicy.Assignment{Target: devicepolicy.Group, Group: g, Exclude: true}
}

// policy is one that sets one setting; its id and age follow from its name, so that "a" is
// older than "b".
func policy(name, uri string, v devicepolicy.Value, to ...devicepolicy.Assignment) devicepolicy.Policy {
	return devicepolicy.Policy{
		ID: name, Name: name, Settings: map[string]devicepolicy.Value{uri: v}, Assignments: to,
		CreatedAt: nine.Add(time.Duration(name[0]) * time.Minute),
	}
}

func TestResolve(t *testing.T) {
	web, least := devicepolicy.EnableWebSignIn, devicepolicy.MinimumPINLength
	on, off := devicepolicy.IntValue(1), devicepolicy.IntValue(2)
	six, eight := devicepolicy.IntValue(6), devicepolicy.IntValue(8)
	laptop := devicepolicy.Facts{Platform: devicepolicy.Linux, Device: map[directory.GroupID]bool{laptops: true}}
	person := laptop
	person.Person, person.User = true, map[directory.GroupID]bool{drivers: true}

	for _, c := range []struct {
		name     string
		facts    devicepolicy.Facts
		policies []devicepolicy.Policy
		local    devicepolicy.Value
		uri      string
		want     devicepolicy.Value
		reason   devicepolicy.Reason
		policy   string
		lost     int
		conflict bool
	}{
		{name: "nothing is set", facts: laptop, uri: web, want: devicepolicy.IntValue(0), reason: devicepolicy.NothingSet},
		{
			name: "one policy for all devices", facts: laptop, uri: web, want: on, reason: devicepolicy.OnlyOne, policy: "a",
			policies: []devicepolicy.Policy{policy("a", web, on, everyDevice)},
		},
		{
			name: "a policy for nobody", facts: laptop, uri: web, want: devicepolicy.IntValue(0), reason: devicepolicy.NothingSet,
			policies: []devicepolicy.Policy{policy("a", web, on)},
		},
		{
			name: "a policy for another group", facts: laptop, uri: web, want: devicepolicy.IntValue(0), reason: devicepolicy.NothingSet,
			policies: []devicepolicy.Policy{policy("a", web, on, to(kiosks))},
		},
		{
			name: "an excluded group wins over all devices", facts: laptop, uri: web, want: devicepolicy.IntValue(0), reason: devicepolicy.NothingSet,
			policies: []devicepolicy.Policy{policy("a", web, on, everyDevice, except(laptops))},
		},
		{
			name: "two policies that agree", facts: laptop, uri: web, want: on, reason: devicepolicy.OnlyOne, policy: "a",
			policies: []devicepolicy.Policy{policy("b", web, on, everyDevice), policy("a", web, on, everyDevice)},
		},
		{
			name: "a group before all devices", facts: laptop, uri: web, want: off, reason: devicepolicy.GroupFirst, policy: "b", lost: 1,
			policies: []devicepolicy.Policy{policy("a", web, on, everyDevice), policy("b", web, off, to(laptops))},
		},
		{
			name: "the older one where nothing else tells", facts: laptop, uri: web, want: on, reason: devicepolicy.OlderFirst, policy: "a", lost: 1, conflict: true,
			policies: []devicepolicy.Policy{policy("b", web, off, everyDevice), policy("a", web, on, everyDevice)},
		},
		{
			name: "the stricter one before the older", facts: laptop, uri: least, want: eight, reason: devicepolicy.StricterFirst, policy: "b", lost: 1, conflict: true,
			policies: []devicepolicy.Policy{policy("a", least, six, everyDevice), policy("b", least, eight, everyDevice)},
		},
		{
			name: "the device before the person", facts: person, uri: least, want: six, reason: devicepolicy.DeviceFirst, policy: "b", lost: 1,
			policies: []devicepolicy.Policy{policy("a", least, eight, to(drivers)), policy("b", least, six, everyDevice)},
		},
		{
			name: "a person's policy while nobody is there", facts: laptop, uri: least, want: six, reason: devicepolicy.NothingSet,
			policies: []devicepolicy.Policy{policy("a", least, eight, to(drivers)), policy("b", least, eight, everybody)},
		},
		{
			name: "a person's policy when they are there", facts: person, uri: least, want: eight, reason: devicepolicy.OnlyOne, policy: "a",
			policies: []devicepolicy.Policy{policy("a", least, eight, everybody)},
		},
		{name: "a local value where no policy is", facts: laptop, uri: web, local: on, want: on, reason: devicepolicy.SetLocally},
		{
			name: "a local value against a policy", facts: laptop, uri: web, local: on, want: off, reason: devicepolicy.ManagedOverrule, policy: "a", lost: 1,
			policies: []devicepolicy.Policy{policy("a", web, off, everyDevice)},
		},
		{name: "a local value that can't be", facts: laptop, uri: web, local: devicepolicy.IntValue(7), want: devicepolicy.IntValue(0), reason: devicepolicy.NothingSet},
		{
			name: "a stored value that can't be", facts: laptop, uri: web, want: devicepolicy.IntValue(0), reason: devicepolicy.NothingSet,
			policies: []devicepolicy.Policy{policy("a", web, devicepolicy.TextValue("on"), everyDevice)},
		},
		{
			name: "a shortest PIN above the longest", facts: laptop, uri: least, want: six, reason: devicepolicy.PairImpossible, lost: 1, conflict: true,
			policies: []devicepolicy.Policy{policy("a", least, devicepolicy.IntValue(20), everyDevice), policy("b", devicepolicy.MaximumPINLength, eight, everyDevice)},
		},
		{
			name: "a shared device", facts: laptop, uri: web, want: on, reason: devicepolicy.SharedDevice,
			policies: []devicepolicy.Policy{policy("a", devicepolicy.SharedMode, devicepolicy.BoolValue(true), everyDevice)},
		},
		{
			name: "a shared device whose policy says otherwise", facts: laptop, uri: web, want: off, reason: devicepolicy.OnlyOne, policy: "b",
			policies: []devicepolicy.Policy{policy("a", devicepolicy.SharedMode, devicepolicy.BoolValue(true), everyDevice), policy("b", web, off, everyDevice)},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.facts.Policies = c.policies
			if c.local.IsSet() {
				c.facts.Local = map[string]devicepolicy.Value{c.uri: c.local}
			}
			got := devicepolicy.Resolve(c.facts)[c.uri]
			if !got.Value.Equal(c.want) || got.Reason != c.reason || got.Policy.PolicyID != c.policy || len(got.Lost) != c.lost || got.Conflict != c.conflict {
				t.Errorf("got %+v, want %v by %q because %s, %d lost, conflict %t", got, c.want, c.policy, c.reason, c.lost, c.conflict)
			}
		})
	}
}

func TestEverySettingHasAnOutcome(t *testing.T) {
	got := devicepolicy.Resolve(devicepolicy.Facts{Platform: devicepolicy.Linux})
	for _, s := range devicepolicy.Catalog() {
		o, ok := got[s.URI]
		if !ok || !o.Value.Equal(s.Default) || o.Idle != !slices.Contains(s.Platforms, devicepolicy.Linux) {
			t.Errorf("%s: %+v", s.URI, o)
		}
	}
}

// TestTheOrderOfPoliciesDoesNotMatter resolves random policies in random orders.
func TestTheOrderOfPoliciesDoesNotMatter(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 2))
	targets := []devicepolicy.Assignment{everyDevice, everybody, to(laptops), to(kiosks), to(drivers), except(laptops), except(drivers)}
	for range 500 {
		facts := devicepolicy.Facts{
			Platform: devicepolicy.Linux, Person: source.IntN(2) == 0,
			Device: map[directory.GroupID]bool{laptops: true}, User: map[directory.GroupID]bool{drivers: true},
		}
		for i := range 1 + source.IntN(6) {
			p := devicepolicy.Policy{ID: string(rune('a' + i)), CreatedAt: nine.Add(time.Duration(source.IntN(3)) * time.Hour), Settings: map[string]devicepolicy.Value{
				devicepolicy.EnableWebSignIn:  devicepolicy.IntValue(int64(source.IntN(3))),
				devicepolicy.MinimumPINLength: devicepolicy.IntValue(int64(4 + source.IntN(6))),
				devicepolicy.MaximumPINLength: devicepolicy.IntValue(int64(4 + source.IntN(6))),
				devicepolicy.PINDigits:        devicepolicy.IntValue(int64(source.IntN(3))),
				devicepolicy.SharedMode:       devicepolicy.BoolValue(source.IntN(2) == 0),
			}}
			for range 1 + source.IntN(3) {
				p.Assignments = append(p.Assignments, targets[source.IntN(len(targets))])
			}
			facts.Policies = append(facts.Policies, p)
		}
		want := devicepolicy.Resolve(facts)
		if least, most := want[devicepolicy.MinimumPINLength].Value, want[devicepolicy.MaximumPINLength].Value; least.Int() > most.Int() {
			t.Fatalf("shortest PIN %v, longest %v", least, most)
		}
		source.Shuffle(len(facts.Policies), func(i, j int) { facts.Policies[i], facts.Policies[j] = facts.Policies[j], facts.Policies[i] })
		if got := devicepolicy.Resolve(facts); !reflect.DeepEqual(got, want) {
			t.Fatalf("another order gives another outcome:\n%+v\n%+v", got, want)
		}
	}
}
