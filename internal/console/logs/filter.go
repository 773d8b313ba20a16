package logs

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

// A param is a filter in an address. Its condition is empty for a value that makes no sense.
type param struct {
	name      string
	condition func(value string) string
}

func equal(property string) func(string) string {
	return func(value string) string { return property + " eq " + graphclient.Quote(value) }
}

// prefixed compares the whole, or the beginning of what is shorter than that or ends so.
func prefixed(property string, whole func(string) bool) func(string) string {
	return func(value string) string {
		if whole(value) {
			return property + " eq " + graphclient.Quote(value)
		}
		return "startsWith(" + property + "," + graphclient.Quote(value) + ")"
	}
}

func anyOf(collection, element string) func(string) string {
	return func(value string) string {
		return collection + "/any(x: x" + element + " eq " + graphclient.Quote(value) + ")"
	}
}

func wholeID(s string) bool      { return len(s) == 36 }
func wholeAddress(s string) bool { return !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, ":") }

func outcome(failed, done string) func(string) string {
	return func(value string) string { return map[string]string{"refused": failed, "done": done}[value] }
}

var signInFilters = []param{
	{"person", equal("userId")},
	{"name", equal("userPrincipalName")},
	{"method", anyOf("authenticationMethodsUsed", "")},
	{"result", outcome("status/errorCode ne 0", "status/errorCode eq 0")},
	{"code", func(value string) string {
		if _, err := strconv.ParseUint(value, 10, 31); err != nil {
			return ""
		}
		return "status/errorCode eq " + value
	}},
	{"kind", anyOf("signInEventTypes", "")},
	{"device", equal("deviceDetail/deviceId")},
	{"app", equal("appId")},
	{"address", prefixed("ipAddress", wholeAddress)},
	{"pass", equal("postern_passId")},
	{"correlation", prefixed("correlationId", wholeID)},
}

var changeFilters = []param{
	{"by", equal("initiatedBy/user/id")},
	{"about", anyOf("targetResources", "/id")},
	{"category", equal("category")},
	{"activity", equal("activityDisplayName")},
	{"result", outcome("result eq 'failure'", "result eq 'success'")},
	{"app", equal("initiatedBy/app/appId")},
	{"pass", equal("postern_passId")},
	{"correlation", prefixed("correlationId", wholeID)},
}

// spans are the times that a list can be limited to.
var spans = map[string]time.Duration{"hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour, "month": 30 * 24 * time.Hour}

// longest bounds a value, so that no address makes a filter that Graph refuses for its length.
const longest = 300

// filter returns the condition that the address q asks of t. Its times count back from at, so
// that the pages of one list ask the same.
func (t trail) filter(q url.Values, at time.Time, zone *time.Location) string {
	var all []string
	for _, p := range t.filters {
		if value := q.Get(p.name); value != "" && len(value) <= longest {
			if condition := p.condition(value); condition != "" {
				all = append(all, condition)
			}
		}
	}
	if span, ok := spans[q.Get("time")]; ok {
		all = append(all, t.at+" ge "+at.Add(-span).UTC().Format(time.RFC3339))
	}
	for name, op := range map[string]string{"from": " ge ", "to": " lt "} {
		if when, ok := moment(q.Get(name), zone); ok {
			all = append(all, t.at+op+when.UTC().Format(time.RFC3339))
		}
	}
	return strings.Join(all, " and ")
}

// moment reads a time as an address has it: with its zone, or as a form sends it, in zone.
func moment(text string, zone *time.Location) (time.Time, bool) {
	if zone == nil {
		zone = time.UTC
	}
	if when, err := time.Parse(time.RFC3339, text); err == nil {
		return when, true
	}
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if when, err := time.ParseInLocation(form, text, zone); err == nil {
			return when, true
		}
	}
	return time.Time{}, false
}

// A chip is a filter that is on, and how to take it off.
type chip struct {
	Name, Value string
	OffHref     string
}

// At is the moment that a chip is about; zero for one that is about something else.
func (c chip) At() time.Time {
	at, err := time.Parse(time.RFC3339, c.Value)
	if err != nil {
		return time.Time{}
	}
	return at
}

// chips are those of the address.
func (t trail) chips(q url.Values) []chip {
	var all []chip
	for _, p := range append(t.filters, param{name: "time"}, param{name: "from"}, param{name: "to"}) {
		value := q.Get(p.name)
		if value == "" {
			continue
		}
		all = append(all, chip{p.name, value, t.href(q, p.name, "")})
	}
	return all
}

// passing are parts of an address that say where one is in a list, not which list it is.
var passing = []string{"after", "at", "done", "entry", "q"}

// plain is the address's own filters, sorted.
func plain(q url.Values) url.Values {
	kept := url.Values{}
	for name, values := range q {
		if len(values) > 0 && values[0] != "" {
			kept.Set(name, values[0])
		}
	}
	for _, name := range passing {
		kept.Del(name)
	}
	return kept
}

// href is the address of this list with one filter set, or off when value is empty.
func (t trail) href(q url.Values, name, value string) string {
	kept := plain(q)
	kept.Del(name)
	if value != "" {
		kept.Set(name, value)
	}
	path := "/console/logs/" + t.name
	if len(kept) == 0 {
		return path
	}
	return path + "?" + kept.Encode()
}
