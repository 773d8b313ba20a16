package odata

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// maxQuery is how many bytes a query may have; filters over many ids go through $batch.
const maxQuery = 16 << 10

// What may be wrong with a query.
var (
	ErrQuery = &fault.Error{
		Kind: fault.Invalid, Code: "invalidQueryOption",
		Text: "The query is malformed.",
	}
	ErrUnsupportedQuery = &fault.Error{
		Kind: fault.Unsupported, Code: "Request_UnsupportedQuery",
		Text: "This query is not offered here.",
	}
)

// Options are the query options of a request. Filter, OrderBy and Search are as sent, with
// the percent-encoding gone, and "" when absent.
type Options struct {
	Select    []string // in the spelling of Allow.Properties; nil means the default ones
	Expand    []Expansion
	Filter    string
	OrderBy   string
	Search    string
	Count     bool // $count=true
	Top       int  // Allow.DefaultTop when absent
	Skip      int
	SkipToken string // for [Cursor.Open]
	Eventual  bool   // the header ConsistencyLevel: eventual was sent

	sent []string // the options as pairs for a next link, in their order
}

// Allow says which options a route takes. The zero value takes none. Paging, which is
// $top and $skiptoken, is on when MaxTop is.
type Allow struct {
	Properties                    []string            // what $select may name
	Expand                        map[string][]string // what $expand may name, and the properties of each
	DefaultTop, MaxTop            int
	Filter, OrderBy, Search, Skip bool
	Count                         bool
}

// Selects reports whether name is wanted: it is selected, or nothing is.
func (o Options) Selects(name string) bool {
	return o.Select == nil || slices.Contains(o.Select, name)
}

// CheckAdvanced applies Graph's rule for directory objects: $search, $count, $filter with
// $orderby, and some filters work only with the header ConsistencyLevel: eventual and, but
// for $search alone, with $count=true. Filter says whether the filter is of that kind (ne,
// not, endsWith); a /$count segment is served with Count set. The error is ErrUnsupportedQuery.
//
// https://learn.microsoft.com/graph/aad-advanced-queries
func (o Options) CheckAdvanced(filter bool) error {
	counted := filter || o.Count || o.Filter != "" && o.OrderBy != ""
	switch {
	case (counted || o.Search != "") && !o.Eventual:
		return ErrUnsupportedQuery.With("ConsistencyLevel", "This query needs the header ConsistencyLevel: eventual and $count=true.")
	case counted && !o.Count:
		return ErrUnsupportedQuery.With("$count", "This query needs $count=true.")
	}
	return nil
}

// ParseOptions reads the query of r. Options work with and without their $, in any case;
// other parameters without a $ are ignored, as Graph does. An unknown option, one that
// comes twice, one without a value and one that is out of range is ErrQuery; one that
// exists but not on this route is ErrUnsupportedQuery. Target is the option's name.
func ParseOptions(r *http.Request, allow Allow) (Options, error) {
	o := Options{
		Top:      allow.DefaultTop,
		Eventual: strings.EqualFold(strings.TrimSpace(r.Header.Get("ConsistencyLevel")), "eventual"),
	}
	pairs, err := splitQuery(r.URL.RawQuery)
	if err != nil {
		return Options{}, err
	}
	seen := map[string]bool{}
	for _, p := range pairs {
		if seen[p.option] {
			return Options{}, ErrQuery.With(p.option, p.option+" is there twice.")
		}
		seen[p.option] = true
		if p.value == "" {
			return Options{}, ErrQuery.With(p.option, p.option+" has no value.")
		}
		if err := o.set(p.option, p.value, allow); err != nil {
			return Options{}, err
		}
		if p.option != "$skiptoken" && p.option != "$skip" {
			o.sent = append(o.sent, p.option+"="+queryEscape(p.value))
		}
	}
	return o, nil
}

func (o *Options) set(option, value string, allow Allow) (err error) {
	var offered bool
	switch option {
	case "$select":
		if offered = allow.Properties != nil; offered {
			o.Select, err = parseSelect(option, value, allow.Properties)
		}
	case "$expand":
		if offered = allow.Expand != nil; offered {
			o.Expand, err = parseExpand(value, allow.Expand)
		}
	case "$filter":
		o.Filter, offered = value, allow.Filter
	case "$orderby":
		o.OrderBy, offered = value, allow.OrderBy
	case "$search":
		o.Search, offered = value, allow.Search
	case "$count":
		o.Count, offered = strings.EqualFold(value, "true"), allow.Count
		if !o.Count && !strings.EqualFold(value, "false") {
			err = ErrQuery.With(option, "$count must be true or false.")
		}
	case "$top":
		if offered = allow.MaxTop > 0; offered {
			o.Top, err = parseNumber(option, value, 1, allow.MaxTop)
		}
	case "$skip":
		if offered = allow.Skip; offered {
			o.Skip, err = parseNumber(option, value, 0, 1_000_000)
		}
	case "$skiptoken":
		o.SkipToken, offered = value, allow.MaxTop > 0
	default:
		return ErrQuery.With(option, option+" is not a query option.")
	}
	if !offered {
		return ErrUnsupportedQuery.With(option, option+" is not offered here.")
	}
	return err
}

type pair struct{ option, value string }

// splitQuery returns the options in raw, each with its $ and in lower case. It does not use
// url.ParseQuery, which refuses the semicolons of $expand=manager($levels=1;$select=id).
func splitQuery(raw string) ([]pair, error) {
	if len(raw) > maxQuery {
		return nil, ErrQuery.With("", fmt.Sprintf("The query is longer than %d bytes.", maxQuery))
	}
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		rawName, rawValue, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return nil, ErrQuery
		}
		option := "$" + strings.ToLower(strings.TrimPrefix(name, "$"))
		if !strings.HasPrefix(name, "$") && !slices.Contains(optionNames, option) {
			continue
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return nil, ErrQuery.With(printable(option), "The value of "+printable(option)+" is not valid percent-encoded UTF-8.")
		}
		pairs = append(pairs, pair{printable(option), value})
	}
	return pairs, nil
}

var optionNames = []string{"$select", "$expand", "$filter", "$orderby", "$search", "$count", "$top", "$skip", "$skiptoken"}

func parseNumber(option, value string, least, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most || value[0] == '+' {
		return 0, ErrQuery.With(option, fmt.Sprintf("%s must be a whole number from %d to %d.", option, least, most))
	}
	return n, nil
}

// parseSelect returns the named properties in the spelling of known, each once; * is all.
func parseSelect(option, value string, known []string) ([]string, error) {
	if value == "*" {
		return nil, nil
	}
	var names []string
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
		if i < 0 {
			return nil, ErrQuery.With(option, option+" names an unknown property: "+printable(name)+".")
		}
		if !slices.Contains(names, known[i]) {
			names = append(names, known[i])
		}
	}
	return names, nil
}
