package gate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// flood returns n visits for a slow hash in the first moments, one each microsecond.
func flood(n int, class func(i int) Class) []visit {
	all := make([]visit, n)
	for i := range all {
		all[i] = visit{class: class(i), at: time.Duration(i) * time.Microsecond, work: hash}
	}
	return all
}

func oneNetwork(int) Class         { return Class{Tenant: "A", Network: "flood"} }
func manyNetworks(i int) Class     { return Class{Tenant: "A", Network: fmt.Sprint(i)} }
func manyTenants(i int) Class      { return Class{Tenant: fmt.Sprint(i), Network: "flood"} }
func familiarNetwork(int) Class    { return Class{Tenant: "A", Network: "flood", Familiar: true} }
func familiarNetworks(i int) Class { return Class{Tenant: "A", Network: fmt.Sprint(i), Familiar: true} }

// A flood begins, and everybody else comes a while later. The last column says how many
// hashes long they wait at most.
func TestFloods(t *testing.T) {
	person := func(s string, at time.Duration) visit { return visit{class: who(s), at: at, work: hash} }
	row := func(s string, n int, every time.Duration) []visit {
		var all []visit
		for i := range n {
			all = append(all, person(s, 30*time.Millisecond+time.Duration(i)*every))
		}
		return all
	}
	tests := []struct {
		name   string
		slots  int
		flood  []visit
		others []visit
		turns  int
	}{
		{"a familiar person in a flood from one network", 2, flood(1000, oneNetwork), row("A1x!", 1, 0), 1},
		{"a familiar person in a flood from a thousand networks", 2, flood(1000, manyNetworks), row("A1x!", 1, 0), 1},
		{"a familiar person in the network of the flood", 2, flood(1000, oneNetwork), []visit{{class: familiarNetwork(0), at: time.Millisecond, work: hash}}, 1},
		{"a familiar person every 20 ms", 2, flood(1000, manyNetworks), row("A1x!", 40, hash), 1},
		{"more cores, the same", 8, flood(4000, manyNetworks), row("A1x!", 40, hash), 1},
		{"one core: the one inside, and one stranger", 1, flood(1000, manyNetworks), row("A1x!", 1, 0), 2},
		{"a stranger from another network", 2, flood(1000, oneNetwork), row("A1x", 1, 0), 2},
		{"three strangers from three other networks", 1, flood(1000, oneNetwork), []visit{person("A1x", hash/2), person("A2x", hash/2), person("A3x", hash/2)}, 5},
		{"a stranger of another tenant in a flood from a thousand networks", 2, flood(1000, manyNetworks), row("B1x", 1, 0), 2},
		{"a stranger in a flood from a familiar network", 2, flood(1000, familiarNetwork), row("A1x", 1, 0), 1},
		{"a stranger every 20 ms in a flood from a thousand familiar networks", 2, flood(1000, familiarNetworks), row("A1x", 40, hash), 1},
		{"one core: a stranger in a flood from familiar networks", 1, flood(1000, familiarNetworks), row("A1x", 1, 0), 2},
		{"another familiar network in a flood from a familiar one", 1, flood(1000, familiarNetwork), row("A1x!", 1, 0), 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Config{Slots: test.slots})
				got := play(t, g, append(test.flood, test.others...))
				for i, o := range got[len(test.flood):] {
					if o.err != nil || o.waited > time.Duration(test.turns)*hash {
						t.Errorf("person %d waited %s and got %v, want at most %d hashes", i, o.waited, o.err, test.turns)
					}
				}
			})
		})
	}
}

func TestAFloodGetsWhatNobodyElseWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		served := 0
		for _, o := range play(t, New(Config{Slots: 4}), flood(1000, oneNetwork)) {
			if o.err == nil {
				served++
			}
		}
		if want := 4 + 256; served != want { // who were inside at once, and the network's places
			t.Errorf("%d were served, want %d", served, want)
		}
	})
}

// A line has four places, all taken. Who is told ErrBusy when one more comes?
func TestAFullLine(t *testing.T) {
	tests := []struct {
		name           string
		perNetwork     int
		waiting, comes string
		busy           string
	}{
		{"the last of the longest network gives way to another network", 9, "A1a A2a A1b A1c", "A3a", "A1c"},
		{"so it does to a shorter network", 9, "A1a A1b A1c A2a", "A2b", "A1c"},
		{"but not to one that becomes the longest itself", 9, "A1a A1b A2a A2b", "A1c", "A1c"},
		{"nor to the next of the flood", 9, "A1a A1b A1c A2a", "A1d", "A1d"},
		{"nor when every network has one place", 9, "A1a A2a A3a A4a", "A5a", "A5a"},
		{"a tenant of many networks gives way to another tenant", 9, "A1a A2a A2b A3a", "B1a", "A2b"},
		{"a full tenant gives way within itself", 9, "A1a A1b A1c B1a", "A2a", "A1c"},
		{"a short tenant gives way within itself when no other is longer", 9, "A1a A2a B1a B1b", "B2a", "B1b"},
		{"nobody gives way when every tenant has one place", 9, "A1a B1a C1a D1a", "E1a", "E1a"},
		{"a network has its share of the line and no more", 2, "A1a A1b A2a A3a", "A1c", "A1c"},
		{"its share is that of all tenants together", 2, "A1a B1a A2a A3a", "C1a", "C1a"},
		{"strangers leave the places of familiar ones alone", 9, "A1a A1b A1c A1d", "A1e!", ""},
		{"familiar ones leave the places of strangers alone", 9, "A1a! A1b! A1c! A1d!", "A1e", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Config{Slots: 1, Queue: 4, QueuePerNetwork: test.perNetwork})
				leaveFirst := enter(t, g, who("Z0z"))
				busy := ""
				for name := range strings.FieldsSeq(test.waiting + " " + test.comes) {
					go func() {
						leave, err := g.Enter(t.Context(), who(name))
						if errors.Is(err, ErrBusy) {
							busy += name
							return
						}
						leave()
					}()
					synctest.Wait()
				}
				if busy != test.busy {
					t.Errorf("%q gets ErrBusy, want %q", busy, test.busy)
				}
				leaveFirst()
				synctest.Wait()
				empty(t, g)
			})
		})
	}
}

// A network that floods all tenants leaves half of the line to others.
func TestAFloodOfAllTenants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		visits := append(flood(1000, manyTenants), visit{class: Class{Tenant: "7", Network: "other"}, at: hash / 2, work: hash})
		last := play(t, New(Config{Slots: 2}), visits)[1000]
		if last.err != nil {
			t.Errorf("a person of one of the tenants got %v", last.err)
		}
	})
}
