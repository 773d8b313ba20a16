package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/postern-id/postern/internal/console/site"
	"github.com/postern-id/postern/test/live"
)

// office is a house with many people, a colleague in its console, and the pages that are measured.
type office struct {
	house   *live.House
	serve   *live.Process
	browser *live.Browser
	crowd   string // the group that everybody is in
}

// withHistory are people in a group, half of whom have a passkey and who signed in once. The copies of
// events are outside the seal: they are there to be found, not to be proved.
var withHistory = append(slices.Clone(justPeople),
	copying{table: "group_link", where: "t.object_id = $2"},
	copying{table: "credential", where: "t.user_id = $2", every: 2, set: map[string]string{
		"id": "printf('%08x', i) || substr(t.id, 9)", "lookup": "t.lookup || i",
	}},
	copying{table: "event", where: "(t.user_id = $2 OR t.id IN (SELECT event_id FROM event_target WHERE target_id = $2))", every: 2, set: map[string]string{
		"id": "printf('%08x', i) || substr(t.id, 9)", "at": "t.at - i * 10000000", "position": "-2",
		"personal": "t.personal", // bound to hashes in the body
	}},
	copying{table: "event_target", where: "t.target_id = $2", every: 2, set: map[string]string{
		"event_id": "printf('%08x', i) || substr(t.event_id, 9)", "at": "t.at - i * 10000000",
	}},
)

const (
	mostPageTime  = 100 * time.Millisecond
	mostFirstLoad = 100_000
	pageRounds    = 60
	mostPages     = 600
)

// A typing is what somebody types into a search, letter by letter.
var typings = []struct{ at, kind, word string }{
	{"/console/people?q=", "common given name", "maria"},
	{"/console/people?q=", "rare given name", "zuzana"},
	{"/console/people?q=", "family name", "quinzi"},
	{"/console/people?q=", "nickname", "seed07"},
	{"/console/people?q=", "nobody", "xylophon"},
	{"/console/people?q=maria+", "second word", "okalun"},
	{"/console/people?q=okalun+", "given name after the family name", "maria"},
	{"/console/people?q=oka+", "two common beginnings, the other way round", "maria"},
	{"/console/pass?q=", "common given name", "martin"},
	{"/console/pass?q=", "family name", "rossten"},
	{"/console/groups?q=", "group", "everyb"},
	{"/console/devices?q=", "device", "laptop"},
	{"/console/applications?q=", "application", "postern"},
}

// measureConsole measures each page of the console as a Global Administrator has it, in a directory
// with many people: what is offered from the first page on, one address for each route, and what is
// searched for as one types. Streams and files of everybody are as long as what they hold, and left out.
func (b *bench) measureConsole(ctx context.Context) error {
	begin := time.Now()
	o, err := b.openOffice(ctx)
	if o != nil {
		defer func() { _ = o.serve.Kill() }()
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "a console over %d people was made in %v\n", b.users, time.Since(begin).Round(time.Second))
	pages, err := o.walk(ctx)
	if err != nil {
		return err
	}
	for _, t := range typings {
		for n := range t.word {
			pages = append(pages, t.at+t.word[:n+1])
		}
	}
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "page\tmedian\t99th percentile\tkB\t")
	var slowest, late time.Duration
	var slowestPage, latePage string
	for _, page := range pages {
		middle, tail, size, err := o.time(ctx, page, b.span/2)
		if err != nil {
			return err
		}
		if middle > slowest {
			slowest, slowestPage = middle, page
		}
		if tail > late {
			late, latePage = tail, page
		}
		over := ""
		if middle > mostPageTime {
			over = "over"
		}
		fmt.Fprintf(w, "%s\t%.1f ms\t%.1f ms\t%.1f\t%s\n", page, ms(middle), ms(tail), float64(size)/1e3, over)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(b.out)
	b.bound(fmt.Sprintf("console of %d, median of the slowest of %d pages (%s)", b.users, len(pages), slowestPage),
		fmt.Sprintf("%.1f ms", ms(slowest)), "100 ms", float64(slowest)/float64(mostPageTime), 1)
	b.rows = append(b.rows, row{name: fmt.Sprintf("the latest 99th percentile of them (%s)", latePage), value: fmt.Sprintf("%.1f ms", ms(late))})
	weight, err := o.firstLoad(ctx)
	if err != nil {
		return err
	}
	b.bound("first load of the console, as it is sent", fmt.Sprintf("%.0f kB", float64(weight)/1e3), "100 kB", float64(weight)/mostFirstLoad, 1)
	return b.timeHelpdesk(ctx, o)
}

// mostHelpdesk is what the program and the browser may take of the helpdesk's main job, typing included, which
// is as quick as it can be: what is left of a minute is the person's.
const mostHelpdesk = 3 * time.Second

// timeHelpdesk lets Chromium find somebody, issue a pass and show it, if it and what drives it are installed.
func (b *bench) timeHelpdesk(ctx context.Context, o *office) error {
	pass, err := o.house.Run(ctx, "recover", "--upn", o.house.Administrator, "--multi", "--json")
	if err != nil {
		return err
	}
	var fresh struct {
		Pass string `json:"temporaryAccessPass"`
	}
	if err := json.Unmarshal([]byte(pass), &fresh); err != nil {
		return err
	}
	task, err := json.Marshal(map[string]any{"at": strings.TrimPrefix(o.serve.URL, "https://"), "name": o.house.Administrator, "pass": fresh.Pass, "typed": "quin", "rounds": b.rounds})
	if err != nil {
		return err
	}
	node := exec.CommandContext(ctx, "node", "test/browser/helpdesk.js")
	node.Env, node.Stderr = append(os.Environ(), "POSTERN_HELPDESK="+string(task)), os.Stderr
	out, err := node.Output()
	if err != nil {
		fmt.Fprintf(os.Stderr, "the helpdesk's job is not timed: %v (it needs Chromium, and `npm ci` in test/browser)\n", err)
		return nil
	}
	var took struct{ Search, Open, Issue, All float64 }
	if err := json.Unmarshal(out, &took); err != nil {
		return fmt.Errorf("%q: %w", out, err)
	}
	b.bound(fmt.Sprintf("helpdesk in Chromium: search %.0f ms, open %.0f ms, issue until it can be read %.0f ms", took.Search, took.Open, took.Issue),
		fmt.Sprintf("%.0f ms", took.All), mostHelpdesk.String(), took.All/ms(mostHelpdesk), 1)
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// openOffice makes the house, its people and their history, and signs its first administrator in. What
// it returns has a process even with an error, if one runs.
func (b *bench) openOffice(ctx context.Context) (*office, error) {
	h, err := live.Init(ctx, b.program, filepath.Join(b.dir, "console"), "")
	if err != nil {
		return nil, err
	}
	o := &office{house: h}
	if o.serve, err = h.Start(ctx); err != nil {
		return nil, err
	}
	if err := o.prepare(ctx); err != nil {
		return o, err
	}
	if err := o.serve.Stop(); err != nil {
		return o, err
	}
	if err := multiply(ctx, filepath.Join(h.Dir, "postern.db"), b.users, withHistory); err != nil {
		return o, fmt.Errorf("make %d people: %w", b.users, err)
	}
	if o.serve, err = h.Start(ctx); err != nil {
		return nil, err
	}
	o.browser = h.NewBrowser("192.0.2.9")
	return o, o.browser.EnterConsole(ctx, o.serve.URL, h.Administrator, h.Pass)
}

// prepare makes the pattern with what the others are to have.
func (o *office) prepare(ctx context.Context) error {
	g, err := o.house.Graph(ctx, o.serve.URL)
	if err != nil {
		return err
	}
	var made struct{ ID string }
	create := func(path, body string, want int) (string, error) {
		var raw json.RawMessage
		status, err := g.Do(ctx, o.serve.URL, http.MethodPost, path, body, &raw)
		if err == nil && status != want {
			err = fmt.Errorf("%s: %d", path, status)
		}
		if len(raw) > 0 && err == nil {
			err = json.Unmarshal(raw, &made)
		}
		return made.ID, err
	}
	person, err := create("/v1.0/users", fmt.Sprintf(`{"accountEnabled":true,"displayName":"%[1]s %[2]s","givenName":"%[1]s","surname":"%[2]s",
		"mailNickname":"%[3]s","userPrincipalName":"%[3]s@%[4]s","department":"Sales","jobTitle":"Clerk","usageLocation":"DE"}`,
		patternGiven, patternFamily, pattern, live.Domain), http.StatusCreated)
	if err != nil {
		return err
	}
	if o.crowd, err = create("/v1.0/groups", `{"displayName":"Everybody","mailNickname":"everybody","mailEnabled":false,"securityEnabled":true}`, http.StatusCreated); err != nil {
		return err
	}
	status, err := g.Do(ctx, o.serve.URL, http.MethodPost, "/v1.0/groups/"+o.crowd+"/members/$ref",
		`{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/`+person+`"}`, nil)
	if err == nil && status != http.StatusNoContent {
		err = fmt.Errorf("add a member: %d", status)
	}
	if err != nil {
		return err
	}
	key, err := g.MakePasskey(ctx, o.serve.URL, person)
	if err != nil {
		return err
	}
	_, err = o.house.NewBrowser("192.0.2.8").SignInByPasskey(ctx, o.serve.URL, key)
	return err
}

var consoleLink = regexp.MustCompile(`href="(/console[^"#]*)`)

// endless are the routes whose answer is a stream or as long as the directory.
var endless = regexp.MustCompile(`/(events|export|csv|png|devices\.csv)$`)

// walk follows the links from the first page and returns one address for each route that is offered,
// and each filter and order of a list.
func (o *office) walk(ctx context.Context) (pages []string, err error) {
	routes := http.NewServeMux()
	for _, section := range site.Sections() {
		for _, route := range section.Routes {
			routes.HandleFunc(route.Pattern, func(http.ResponseWriter, *http.Request) {})
		}
	}
	waiting := []string{"/console/", "/console/people?q=quinzimmar", "/console/people?q=maria", "/console/groups/" + o.crowd}
	seen, ofRoute := map[string]bool{}, map[string]int{}
	for len(waiting) > 0 && len(seen) < mostPages {
		page := waiting[0]
		waiting = waiting[1:]
		path, query, _ := strings.Cut(page, "?")
		if seen[page] || strings.Contains(page, "/assets/") || endless.MatchString(path) {
			continue
		}
		seen[page] = true
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
		if err != nil {
			return nil, err
		}
		_, route := routes.Handler(r)
		kind := route
		for parameter := range strings.SplitSeq(query, "&") { // another filter is another page, another value is not
			name, _, _ := strings.Cut(parameter, "=")
			kind += " " + name
		}
		if ofRoute[kind]++; ofRoute[kind] > 2 {
			continue
		}
		a, err := o.browser.Open(ctx, o.serve.URL, page)
		if err != nil {
			return nil, err
		}
		if a.Status == http.StatusSeeOther || a.Status == http.StatusFound {
			waiting = append(waiting, a.Location)
			continue
		}
		if a.Status != http.StatusOK {
			return nil, fmt.Errorf("%s is offered and answers %d", page, a.Status)
		}
		if ofRoute[kind] == 1 {
			pages = append(pages, page)
		}
		for _, link := range consoleLink.FindAllStringSubmatch(a.Body, -1) {
			waiting = append(waiting, html.UnescapeString(link[1]))
		}
	}
	return pages, nil
}

// time asks for a page again and again, for a while at most.
func (o *office) time(ctx context.Context, page string, most time.Duration) (middle, tail time.Duration, size int, err error) {
	var took []time.Duration
	for first := time.Now(); len(took) < pageRounds && (len(took) < 5 || time.Since(first) < most); {
		begin := time.Now()
		a, err := o.browser.Open(ctx, o.serve.URL, page)
		if err != nil {
			return 0, 0, 0, err
		}
		took = append(took, time.Since(begin))
		if a.Status >= http.StatusBadRequest {
			return 0, 0, 0, fmt.Errorf("%s: %d\n%s", page, a.Status, a.Body)
		}
		size = len(a.Body)
	}
	middle = median(took) // sorts
	return middle, took[(len(took)*99-1)/100], size, nil
}

var consoleLoaded = regexp.MustCompile(`"(/console/assets/[^"#]+)`)

// firstLoad is what a browser that has nothing yet is sent for the first page: the page, and all that it loads.
func (o *office) firstLoad(ctx context.Context) (weight int, err error) {
	weight, err = o.browser.Weigh(ctx, o.serve.URL, "/console/")
	if err != nil {
		return 0, err
	}
	a, err := o.browser.Open(ctx, o.serve.URL, "/console/")
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, m := range consoleLoaded.FindAllStringSubmatch(a.Body, -1) {
		if seen[m[1]] {
			continue
		}
		seen[m[1]] = true
		n, err := o.browser.Weigh(ctx, o.serve.URL, m[1])
		if err != nil {
			return 0, err
		}
		weight += n
	}
	return weight, nil
}
