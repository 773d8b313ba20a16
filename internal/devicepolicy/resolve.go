package devicepolicy

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
)

// Facts are what Resolve goes by.
type Facts struct {
	Platform Platform
	// Joined says that the device belongs to the organisation, not to a person.
	Joined bool
	Device map[directory.GroupID]bool // groups that the device is in, directly or through others
	// Person is set when somebody is at the device; User has their groups.
	Person   bool
	User     map[directory.GroupID]bool
	Policies []Policy
	// Local are values that somebody set on the device itself, by URI.
	Local map[string]Value
}

// Effective has an outcome for every setting of the catalog, by URI.
type Effective map[string]Outcome

// An Outcome is what holds for one setting, and why.
type Outcome struct {
	Value  Value
	Source Source
	Policy Cause // zero unless Source is FromPolicy
	Reason Reason
	// Lost are the other values that were set, best first.
	Lost []Cause
	// Conflict says that two policies of the same rank disagree.
	Conflict bool
	// Idle says that the agent does not act on the setting on this platform.
	Idle bool
}

// Source is where a value comes from.
type Source string

// The sources, weakest first.
const (
	FromDefault Source = "default"
	FromLocal   Source = "local"
	FromPolicy  Source = "policy"
)

// A Cause is a value that somebody set. PolicyID is empty for one that was set on the device.
type Cause struct {
	PolicyID   string
	PolicyName string
	Value      Value
}

// Reason says why a value won.
type Reason string

// The reasons, in the words of the console and of `postern-agent status`.
const (
	NothingSet      Reason = "nothingSet"      // the default
	OnlyOne         Reason = "onlyOne"         // one policy sets it, or all agree
	DeviceFirst     Reason = "deviceFirst"     // assigned to the device, the other to the person
	GroupFirst      Reason = "groupFirst"      // assigned to a group, the other to all
	StricterFirst   Reason = "stricterFirst"   // the stricter of two values
	OlderFirst      Reason = "olderFirst"      // nothing else tells them apart
	SetLocally      Reason = "setLocally"      // no policy sets it
	PairImpossible  Reason = "pairImpossible"  // shortest PIN above the longest: both are defaults
	SharedDevice    Reason = "sharedDevice"    // follows from the profile for shared devices
	JoinedDevice    Reason = "joinedDevice"    // joining switches it on
	ManagedOverrule Reason = "managedOverrule" // a policy sets it; a local value is there and does not count
)

// rank orders candidates: the device before the person, a group before everybody.
type rank int

const (
	deviceGroup rank = iota
	everyDevice
	userGroup
	everyUser
	none
)

type candidate struct {
	policy Policy
	value  Value
	rank   rank
}

// Resolve returns one value for every setting. It depends on f alone, and not on the order
// of the policies.
func Resolve(f Facts) Effective {
	out := Effective{}
	for _, s := range catalog {
		o := f.resolve(s)
		o.Idle = !slices.Contains(s.Platforms, f.Platform)
		out[s.URI] = o
	}
	out.mendPair()
	out.share()
	if f.Joined {
		out.join()
	}
	return out
}

// FactsOf returns what counts about d itself; groups, person and policies are to be filled in.
func FactsOf(d directory.Device) Facts {
	f := Facts{Platform: Linux, Joined: d.TrustType != directory.TrustRegistered}
	if strings.EqualFold(d.OperatingSystem, "Windows") {
		f.Platform = Windows
	}
	return f
}

// ChangedAt is when a policy that reaches the device or the person was changed last; the zero
// time when none does.
func (f Facts) ChangedAt() time.Time {
	var last time.Time
	for _, p := range f.Policies {
		if f.rankOf(p) != none && p.ModifiedAt.After(last) {
			last = p.ModifiedAt
		}
	}
	return last
}

func (f Facts) resolve(s Setting) Outcome {
	var all []candidate
	for _, p := range f.Policies {
		v, sets := p.Settings[s.URI]
		if r := f.rankOf(p); sets && r != none && s.Check(v) == nil {
			all = append(all, candidate{p, v, r})
		}
	}
	local, isLocal := f.Local[s.URI]
	isLocal = isLocal && s.Check(local) == nil
	if len(all) == 0 {
		if isLocal {
			return Outcome{Value: local, Source: FromLocal, Reason: SetLocally}
		}
		return Outcome{Value: s.Default, Source: FromDefault, Reason: NothingSet}
	}
	sort.Slice(all, func(i, j int) bool { return compare(s, all[i], all[j]) < 0 })
	o := Outcome{Value: all[0].value, Source: FromPolicy, Policy: all[0].cause(), Reason: OnlyOne}
	for _, c := range all[1:] {
		if c.value.Equal(o.Value) {
			continue
		}
		if len(o.Lost) == 0 {
			o.Reason = why(s, all[0], c)
		}
		o.Conflict = o.Conflict || c.rank == all[0].rank
		o.Lost = append(o.Lost, c.cause())
	}
	if isLocal && !local.Equal(o.Value) {
		if o.Reason == OnlyOne {
			o.Reason = ManagedOverrule
		}
		o.Lost = append(o.Lost, Cause{Value: local})
	}
	return o
}

func (c candidate) cause() Cause { return Cause{c.policy.ID, c.policy.Name, c.value} }

// compare is negative when a wins over b. Policies differ in their ids, so that the order
// is whole.
func compare(s Setting, a, b candidate) int {
	if a.rank != b.rank {
		return cmp.Compare(a.rank, b.rank)
	}
	if s.Stricter != nil && s.Stricter(a.value, b.value) != s.Stricter(b.value, a.value) {
		if s.Stricter(a.value, b.value) {
			return -1
		}
		return 1
	}
	if by := a.policy.CreatedAt.Compare(b.policy.CreatedAt); by != 0 {
		return by
	}
	return cmp.Compare(a.policy.ID, b.policy.ID)
}

// why says why a won over b, in the order in which compare looks.
func why(s Setting, a, b candidate) Reason {
	switch {
	case a.rank <= everyDevice && b.rank > everyDevice:
		return DeviceFirst
	case a.rank != b.rank:
		return GroupFirst
	case s.Stricter != nil && s.Stricter(a.value, b.value):
		return StricterFirst
	}
	return OlderFirst
}

// rankOf returns how p is assigned to this device and person; an exclusion wins over
// everything.
func (f Facts) rankOf(p Policy) rank {
	best := none
	for _, a := range p.Assignments {
		r := none
		switch {
		case a.Target == AllDevices:
			r = everyDevice
		case a.Target == AllUsers && f.Person:
			r = everyUser
		case a.Target == Group && f.Device[a.Group]:
			r = deviceGroup
		case a.Target == Group && f.Person && f.User[a.Group]:
			r = userGroup
		}
		if a.Exclude && r != none {
			return none
		}
		best = min(best, r)
	}
	return best
}

// mendPair lets both bounds of a PIN's length fall back when they exclude each other, as
// the PassportForWork CSP does.
func (e Effective) mendPair() {
	least, most := e[MinimumPINLength], e[MaximumPINLength]
	if least.Value.Int() <= most.Value.Int() {
		return
	}
	for _, uri := range []string{MinimumPINLength, MaximumPINLength} {
		s, _ := Find(uri, "")
		o := e[uri]
		if o.Source == FromPolicy {
			o.Lost = slices.Insert(o.Lost, 0, o.Policy)
		}
		e[uri] = Outcome{Value: s.Default, Source: FromDefault, Reason: PairImpossible, Lost: o.Lost, Conflict: true, Idle: o.Idle}
	}
}

// share makes a device with the shared profile what it is for: web sign-in first, no PIN,
// nobody remembered. What a policy sets itself stays.
func (e Effective) share() {
	if !e[SharedMode].Value.Bool() {
		return
	}
	for uri, v := range map[string]Value{
		EnableWebSignIn: IntValue(1), DefaultCredentialProvider: TextValue(ProviderWebSignIn),
		UsePassportForWork: BoolValue(false), UserList: IntValue(1),
	} {
		if o := e[uri]; o.Source == FromDefault {
			o.Value, o.Reason = v, SharedDevice
			e[uri] = o
		}
	}
}

// join switches web sign-in on where nothing says anything about it: joining is all that it
// takes, so that nobody is stuck at the first lock screen.
func (e Effective) join() {
	if o := e[EnableWebSignIn]; o.Source == FromDefault && o.Reason == NothingSet {
		o.Value, o.Reason = IntValue(1), JoinedDevice
		e[EnableWebSignIn] = o
	}
}

// On reports whether a setting that can be on, off or left to the edition is on.
func (e Effective) On(uri string) bool { return e[uri].Value.Int() == 1 }
