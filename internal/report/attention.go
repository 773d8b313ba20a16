package report

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

// Severity says how soon somebody has to look.
type Severity int

// The severities, worst first.
const (
	Danger Severity = iota
	Caution
	Notice
)

// String returns s as the API says it.
func (s Severity) String() string { return [...]string{"danger", "caution", "notice"}[s] }

// An Item is one thing that needs somebody.
type Item struct {
	Kind     string
	Severity Severity
	Count    int       // of people, devices, mails, administrators, tries; 0 where it does not matter
	Part     int       // of Count: administrators among people
	ID, Name string    // of the person or device that it is about, if it is one
	With     string    // the name of who can help, such as a manager
	At       time.Time // when it happened, begins or ends; zero where it does not matter
	Code     string    // of the fault, for what is wrong with the server
}

// Kinds of items, in the order in which those of one severity stand.
const (
	ServerClock          = "serverClock"
	ServerDisk           = "serverDisk"
	LogUnsealed          = "logUnsealed"
	CertificateEnds      = "certificateEnds"
	RefusedPasses        = "refusedPasses"
	FewAdministrators    = "fewGlobalAdministrators"
	AdministratorsLocked = "administratorsWithoutWay"
	PeopleLocked         = "peopleWithoutWay"
	DeviceWithoutGlobe   = "deviceWithoutWebSignIn"
	DevicesWithoutGlobe  = "devicesWithoutWebSignIn"
	DevicesWaiting       = "devicesPending"
	MailGivenUp          = "mailGivenUp"
	JobsGivenUp          = "jobsGivenUp"
	Starts               = "startsWithoutPass"
)

var order = []string{
	ServerClock, ServerDisk, LogUnsealed, RefusedPasses, FewAdministrators, AdministratorsLocked, PeopleLocked, DeviceWithoutGlobe,
	DevicesWithoutGlobe, CertificateEnds, MailGivenUp, JobsGivenUp, DevicesWaiting, Starts,
}

// Facts are what Attention decides by.
type Facts struct {
	Refused   []Subject // people whose passes were refused often, in a row and lately
	People    map[State]int
	Devices   map[State]int
	Globeless []Subject // devices whose web sign-in does not show; not all, if they are many
	Starters  []Subject // people who start soon and have neither pass nor method
	Waiting
	Clock           string // code of what is wrong with the server's clock
	Disk            string
	CertificateEnds time.Time // zero when it renews itself
}

// Waiting is what waits in a tenant. What is many is counted to a thousand.
type Waiting struct {
	Passes               int // that work and were not used
	MailGivenUp          int
	JobsGivenUp          int
	OldestUnsealed       time.Time // zero when all is sealed
	GlobalAdministrators int       // who can sign in
}

// A Subject is a person or device that a fact is about.
type Subject struct {
	ID, Name string
	With     string // the manager's name
	At       time.Time
	N        int
}

// Bounds of what needs somebody.
const (
	// ManyRefusals in a row are more than somebody mistypes.
	ManyRefusals = 5
	// Lately is how long refusals stay worth a look.
	Lately = 7 * 24 * time.Hour
	// StartsWithin is how soon somebody starts who needs a pass.
	StartsWithin = 14 * 24 * time.Hour
	// sealLate is how old an event gets before it is sealed when all is well, and some more.
	sealLate = 5 * time.Minute
	// certificateLate is how long before its end a certificate should be replaced.
	certificateLate = 21 * 24 * time.Hour
	// fewAdministrators is how many are too few: one can be ill, or lose their phone.
	fewAdministrators = 2
	// each is how many of a kind are told one by one.
	each = 3
)

// Attention returns what needs somebody at now, worst first.
func Attention(f Facts, now time.Time) []Item {
	var all []Item
	add := func(when bool, i Item) {
		if when {
			all = append(all, i)
		}
	}
	add(f.Clock != "", Item{Kind: ServerClock, Severity: Danger, Code: f.Clock})
	add(f.Disk != "", Item{Kind: ServerDisk, Severity: Danger, Code: f.Disk})
	add(!f.OldestUnsealed.IsZero() && now.Sub(f.OldestUnsealed) > sealLate, Item{Kind: LogUnsealed, Severity: Danger, At: f.OldestUnsealed})
	if left := f.CertificateEnds.Sub(now); !f.CertificateEnds.IsZero() && left < certificateLate {
		severity := Caution
		if left < certificateLate/7 {
			severity = Danger
		}
		all = append(all, Item{Kind: CertificateEnds, Severity: severity, At: f.CertificateEnds})
	}
	for _, s := range f.Refused[:min(len(f.Refused), each)] {
		add(s.N >= ManyRefusals && now.Sub(s.At) <= Lately, Item{Kind: RefusedPasses, Severity: Danger, Count: s.N, ID: s.ID, Name: s.Name, At: s.At})
	}
	add(f.GlobalAdministrators < fewAdministrators, Item{Kind: FewAdministrators, Severity: Caution, Count: f.GlobalAdministrators})
	lockedAdmins := f.People[State(NoWay+administrator)]
	locked := lockedAdmins + f.People[State(NoWay)]
	if locked > 0 && locked == lockedAdmins {
		all = append(all, Item{Kind: AdministratorsLocked, Severity: Caution, Count: locked})
	} else {
		add(locked > 0, Item{Kind: PeopleLocked, Severity: Caution, Count: locked, Part: lockedAdmins})
	}
	all = append(all, f.devices()...)
	add(f.MailGivenUp > 0, Item{Kind: MailGivenUp, Severity: Caution, Count: f.MailGivenUp})
	add(f.JobsGivenUp > 0, Item{Kind: JobsGivenUp, Severity: Caution, Count: f.JobsGivenUp})
	for _, s := range f.Starters[:min(len(f.Starters), each)] {
		severity := Notice
		if s.At.Before(now.AddDate(0, 0, 1)) {
			severity = Caution
		}
		all = append(all, Item{Kind: Starts, Severity: severity, ID: s.ID, Name: s.Name, With: s.With, At: s.At})
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind))) < 0
	})
	return all
}

// devices returns what devices need: a few by name, many by their number.
func (f Facts) devices() []Item {
	var all []Item
	count := map[string]int{}
	for state, n := range f.Devices {
		health, _ := state.Device()
		count[health] += n
	}
	if n := count[DeviceNoWebSignIn]; n > each {
		all = append(all, Item{Kind: DevicesWithoutGlobe, Severity: Caution, Count: n})
	} else {
		for _, s := range f.Globeless[:min(len(f.Globeless), each)] {
			all = append(all, Item{Kind: DeviceWithoutGlobe, Severity: Caution, ID: s.ID, Name: s.Name, At: s.At})
		}
	}
	if n := count[DevicePending]; n > 0 {
		all = append(all, Item{Kind: DevicesWaiting, Severity: Notice, Count: n})
	}
	return all
}
