package lockscreen

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/tpm"
	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
)

var monday = time.Date(2026, 11, 23, 10, 41, 0, 0, time.UTC)

const attemptID = "3f0a4b43-9f0e-4d2b-8c4d-5e6f9c1f6f2e"

func sampleFrame(lang string) frame {
	others := map[string]string{"en": "de", "de": "en"}[lang]
	return frame{
		Lang: lang, Device: "LAP-0417", Tenant: "Contoso", Now: monday, Zone: "UTC", Attempt: attemptID, Network: "Contoso-Office", Online: true,
		Picker: true, CanPower: true, Others: others, Helpdesk: device.Helpdesk{Phone: "020 7946 0120", Hours: "day and night"},
		Tiles: []tile{{"mira", "Mira Okafor", "MO", true}, {"jonas", "Jonas Lindqvist", "JL", false}, {ID: other}},
	}
}

func troubled(f frame, t *trouble) frame {
	t.CorrelationID = attemptID
	f.Trouble = t
	return f
}

// samples are pages as people meet them, in one language.
func samples(t *testing.T, lang string) map[string]page {
	t.Helper()
	v, err := newView()
	if err != nil {
		t.Fatal(err)
	}
	p := phrasebook{v.words, lang}
	f := sampleFrame(lang)
	bare := f
	bare.Tiles = nil
	away := f
	away.Online, away.Network = false, ""
	hotel := f
	hotel.Online, hotel.Portal, hotel.Network = false, true, "Hotel Astoria"
	nobody := f
	nobody.Tiles = []tile{{ID: other, Current: true}}
	mira := f.Tiles[0]
	both := []way{{Method: PIN}, {Method: Web}, {Key, NoKeys}}
	plain := lockPage{frame: f, Person: mira, Ways: both, Chosen: PIN, Digits: true, Forgot: true}
	usual := container.Rules{Least: 6, Most: 127, Digits: container.Required, Lower: container.NotAllowed, Upper: container.NotAllowed, Special: container.NotAllowed}
	strict := container.Rules{Least: 8, Most: 24, Digits: container.Required, Lower: container.Required, Upper: container.Allowed, Special: container.NotAllowed}
	all := map[string]page{"lock": plain}
	with := func(name string, change func(*lockPage)) {
		one := plain
		change(&one)
		all[name] = one
	}
	with("lock-key", func(p *lockPage) { p.Ways, p.Chosen = []way{{Method: PIN}, {Method: Web}, {Method: Key}}, Key })
	with("lock-wrong", func(p *lockPage) { p.frame = troubled(f, &trouble{Fault: tpm.ErrWrongPIN, Left: 3, Wait: time.Second}) })
	with("lock-last", func(p *lockPage) { p.frame = troubled(f, &trouble{Fault: ErrLastTry, Left: 1, Wait: 15 * time.Second}) })
	with("lock-ours", func(p *lockPage) { p.frame = troubled(f, &trouble{}) })
	with("lock-offline", func(p *lockPage) {
		p.frame, p.Until, p.Ways = away, monday.AddDate(0, 0, 4), []way{{Method: PIN}, {Web, NoNetwork}}
	})
	with("lock-portal", func(p *lockPage) {
		p.frame, p.Until, p.Ways = hotel, monday.AddDate(0, 0, 4), []way{{Method: PIN}, {Web, NoNetwork}}
	})
	with("lock-stopped", func(p *lockPage) { p.Ways, p.Why = []way{{PIN, PINLocked}, {Method: Web}}, PINLocked })
	with("lock-web", func(p *lockPage) {
		p.Chosen, p.Remind, p.Forgot, p.Ways = Web, true, false, []way{{PIN, NoPINYet}, {Method: Web}}
	})
	with("lock-broken", func(p *lockPage) {
		p.Broken, p.Chosen, p.Forgot, p.Globe, p.Ways = faultOf(&fault.Error{Code: "browserAway", Text: "The browser of web sign-in can't be started.", Remedy: "systemctl start postern-web.socket"}), Web, false, true, []way{{PIN, NoPINYet}, {Method: Web}}
	})
	with("lock-session", func(p *lockPage) { p.Locked = true; p.Tiles = f.Tiles[:1] })
	with("lock-expires", func(p *lockPage) { p.Ends = monday.AddDate(0, 0, 3) })
	with("lock-expires-offline", func(p *lockPage) {
		p.frame, p.Ways, p.Until, p.Ends = away, []way{{Method: PIN}, {Web, NoNetwork}}, monday.AddDate(0, 0, 4), monday.AddDate(0, 0, 3)
	})
	with("lock-other", func(p *lockPage) { p.frame, p.Person, p.Forgot = nobody, nobody.Tiles[0], false })
	with("lock-disabled", func(p *lockPage) { p.Refused, p.Ways, p.Chosen = faultOf(agent.ErrDisabled), nil, "" })
	with("lock-no-ways", func(p *lockPage) { p.Ways, p.Chosen, p.Forgot = nil, "", false })
	all["lock-ended"] = lockPage{frame: bare, Refused: faultOf(directory.ErrDeviceDisabled)}
	all["web"] = webPage{frame: bare, Person: "mira"}
	all["web-back"] = webPage{frame: bare, Person: "mira", To: "https://id.contoso.example/signin"}
	all["web-failed"] = webPage{frame: troubled(bare, &trouble{Fault: agent.ErrAway}), Person: "mira"}
	all["web-crashed"] = webPage{frame: troubled(bare, &trouble{Fault: ErrBrowser}), Person: "mira", Plain: true, Name: "mira@contoso.example"}
	all["onward"] = onwardPage{bare, "https://id.contoso.example/signin"}
	all["opening"] = openingPage{bare, "Mira Okafor"}
	practised := []device.TrialStep{
		{Name: "issue", Result: "passed"},
		{Name: "place", Result: "passed"},
		{Name: "device", Result: "passed"},
		{Name: "rules", Result: "passed"},
		{Name: "pin", Result: "passed"},
	}
	all["practice"] = practicePage{bare, true, append(practised[:5:5], device.TrialStep{Name: "key", Result: "passed"})}
	all["practice-failed"] = practicePage{bare, false, append(practised[:5:5], device.TrialStep{Name: "key", Result: "failed", Code: "drillKeyRoom"})}
	all["refused"] = refusedPage{troubled(frame{Lang: lang, Now: monday}, &trouble{Fault: ErrForeign})}
	all["newpin"] = newPINPage{frame: bare, Rules: p.rules(usual), Digits: true, Until: monday.Add(9 * time.Minute), Minutes: 9}
	all["newpin-weak"] = newPINPage{
		frame: troubled(bare, &trouble{Fault: container.ErrPIN, Weak: container.Weak{Rule: container.Row}}),
		Rules: p.rules(strict), Reset: true, Until: monday.Add(9 * time.Minute), Minutes: 9,
	}
	all["newpin-expired"] = newPINPage{frame: bare, Rules: p.rules(usual), Digits: true, Former: true}
	all["forgot"] = forgotPage{frame: bare, Person: "mira", Name: "Mira Okafor", Web: true}
	all["forgot-offline"] = forgotPage{frame: away, Person: "mira", Name: "Mira Okafor"}
	all["forgot-loss"] = forgotPage{frame: bare, Person: "mira", Name: "Mira Okafor", Loss: true}
	help := helpPage{
		frame: bare, Joined: true, JoinType: device.Joined, DeviceID: attemptID, Server: "https://id.contoso.example", Contact: monday.Add(-time.Hour),
		Text:    "The helpdesk sits on floor 2.",
		Options: []option{{PIN, true, "why_on", ""}, {Web, false, "why_off", "Meeting rooms"}, {Key, false, "why_keys_by_web", ""}},
	}
	all["help"] = help
	help.Repairs = &agent.Repairs{Parts: []agent.Repair{
		{Part: "tpm", State: agent.Sound, Code: "tpmWorks", Detail: "The TPM works and holds the device's key."},
		{Part: "container", State: agent.Fixed, Code: "pinRemoved", FixCode: "newPIN", Detail: "A damaged PIN was removed.", Fix: "Sign in by web sign-in and set up a new PIN."},
		{
			Part: "registration", State: agent.Broken, Code: "serverUnreachable", FixCode: "serverUnreachable",
			Detail: "https://id.contoso.example can't be reached: nothing listens there.", Fix: "Check the address, the network, and that the server runs.",
		},
	}}
	all["help-repaired"] = help
	all["network"] = networkPage{frame: bare, All: []AccessPoint{
		{"1", "Contoso-Office", 82, true, true, true}, {"2", "Contoso-Guest", 64, false, false, false}, {"3", "Café", 31, true, false, false},
	}}
	hotel.Tiles = nil
	all["network-portal"] = networkPage{frame: hotel, All: []AccessPoint{{"4", "Hotel Astoria", 71, false, true, true}}}
	all["help-portal"] = helpPage{frame: hotel, Joined: true, JoinType: device.Joined, DeviceID: attemptID, Server: "https://id.contoso.example"}
	all["network-secret"] = networkPage{frame: troubled(bare, &trouble{Fault: ErrNetworkSecret}), Chosen: &AccessPoint{ID: "3", Name: "Café", Secured: true}}
	all["power"] = powerPage{bare, true}
	return all
}

func render(t *testing.T, p page) (*html.Node, *http.Response, string) {
	t.Helper()
	v, err := newView()
	if err != nil {
		t.Fatal(err)
	}
	s := &Screen{view: v, log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	w := httptest.NewRecorder()
	s.page(w, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusOK, p)
	doc, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	return doc, w.Result(), w.Body.String()
}

func all(doc *html.Node, fits func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && fits(n) {
			found = append(found, n)
		}
	}
	return found
}

func tags(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.Data == name }
}

func value(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func TestEveryPage(t *testing.T) {
	for _, lang := range design.Languages {
		for name, p := range samples(t, lang) {
			t.Run(lang+" "+name, func(t *testing.T) {
				doc, res, source := render(t, p)
				if res.StatusCode != http.StatusOK || strings.Contains(source, "no value") || strings.Contains(source, "ZgotmplZ") {
					t.Fatalf("%d, or a value is missing:\n%s", res.StatusCode, source)
				}
				checkStructure(t, doc, lang)
				checkPolicy(t, doc, res)
			})
		}
	}
}

func checkStructure(t *testing.T, doc *html.Node, lang string) {
	t.Helper()
	if got := value(all(doc, tags("html"))[0], "lang"); got != lang {
		t.Errorf("lang is %q", got)
	}
	for _, tag := range []string{"main", "h1", "title"} {
		if n := len(all(doc, tags(tag))); n != 1 {
			t.Errorf("%d %s elements, want one", n, tag)
		}
	}
	main := all(doc, tags("main"))[0]
	if value(main, "data-step") == "" {
		t.Error("main has no data-step")
	}
	if alerts := all(doc, func(n *html.Node) bool { return value(n, "role") == "alert" }); (value(main, "data-error") != "") != (len(alerts) == 1) {
		t.Errorf("data-error is %q with %d alerts", value(main, "data-error"), len(alerts))
	}
	ids := map[string]bool{}
	for _, n := range all(doc, func(n *html.Node) bool { return value(n, "id") != "" }) {
		if ids[value(n, "id")] {
			t.Errorf("id %q is there twice", value(n, "id"))
		}
		ids[value(n, "id")] = true
	}
	labels := map[string]bool{}
	for _, n := range all(doc, tags("label")) {
		labels[value(n, "for")] = true
	}
	for _, n := range all(doc, tags("input")) {
		if value(n, "type") != "hidden" && !labels[value(n, "id")] {
			t.Errorf("field %s has no label", value(n, "name"))
		}
		if value(n, "type") == "password" && value(n, "value") != "" {
			t.Errorf("field %s is filled in", value(n, "name"))
		}
		for id := range strings.FieldsSeq(value(n, "aria-describedby")) {
			if !ids[id] {
				t.Errorf("aria-describedby names %q, which is not there", id)
			}
		}
	}
	for _, n := range all(doc, tags("form")) {
		carries := all(n, func(n *html.Node) bool { return value(n, "name") == "attempt" && value(n, "value") == attemptID })
		if value(n, "method") != "post" || len(carries) != 1 {
			t.Errorf("form %s does not carry its attempt", value(n, "action"))
		}
	}
}

func checkPolicy(t *testing.T, doc *html.Node, res *http.Response) {
	t.Helper()
	policy := res.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("policy %q", policy)
	}
	for _, n := range all(doc, func(*html.Node) bool { return true }) {
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("attribute %s on %s", a.Key, n.Data)
			}
			if (a.Key == "src" || a.Key == "href" && n.Data != "a") && !strings.HasPrefix(a.Val, design.Root) {
				t.Errorf("%s loads %q", n.Data, a.Val)
			}
		}
	}
}

func readTexts(t *testing.T, lang string) map[string]string {
	t.Helper()
	content, err := texts.ReadFile("active." + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	if err := json.Unmarshal(content, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

var placeholder = regexp.MustCompile(`\{\{\.([A-Za-z]+)\}\}`)

func TestTheWordsAreThereInEveryLanguage(t *testing.T) {
	english, german := readTexts(t, "en"), readTexts(t, "de")
	for key, text := range english {
		other := german[key]
		if other == "" || len(placeholder.FindAllString(other, -1)) != len(placeholder.FindAllString(text, -1)) {
			t.Errorf("%s: %q and %q", key, text, other)
		}
		if strings.ContainsAny(text+other, "<>&\"!") {
			t.Errorf("%s has markup, or shouts", key)
		}
	}
	for key := range german {
		if english[key] == "" {
			t.Errorf("%s is in no other language", key)
		}
	}
}

// Keys of these families are chosen by a code, a reason or a part.
var families = regexp.MustCompile(`^(fault|short|long|why|part|state|join|kind|weak|found|mend|practised)_`)

func TestEveryTextIsUsed(t *testing.T) {
	var sources strings.Builder
	files, err := fs.Glob(os.DirFS("."), "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".html") || strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(content)
		}
	}
	for key := range readTexts(t, "en") {
		if !families.MatchString(key) && !strings.Contains(sources.String(), `"`+key+`"`) {
			t.Errorf("no page says %q", key)
		}
	}
}

// What package container refuses has words in every language: what it said in English, in the
// words of this screen.
func TestEveryRuleOfAPINIsSaidInEveryLanguage(t *testing.T) {
	v, err := newView()
	if err != nil {
		t.Fatal(err)
	}
	said := map[template.HTML]bool{}
	for _, rule := range container.RuleNames {
		weak := container.Weak{Rule: rule, Number: 12}
		if rule == container.Missing || rule == container.Unwanted {
			weak.Kind = container.SmallLetters
		}
		for lang, kind := range map[string]string{"en": "small letters", "de": "Kleinbuchstaben"} {
			s := &Screen{log: slog.New(slog.DiscardHandler)}
			text := phrasebook{v.words, lang}.fault(s.tell(t.Context(), &attempt{}, fmt.Errorf("change: %w", weak)))
			needs := map[container.Rule]string{container.TooShort: "12", container.TooLong: "12", container.Missing: kind, container.Unwanted: kind}[rule]
			if said[text] || !strings.Contains(string(text), needs) || strings.Contains(string(text), "lang=") || strings.Contains(string(text), "no value") {
				t.Errorf("%s in %s: %q", rule, lang, text)
			}
			said[text] = true
		}
	}
}

// TestGallery writes every page to the folder that POSTERN_GALLERY names, to be looked at.
func TestGallery(t *testing.T) {
	folder := os.Getenv("POSTERN_GALLERY")
	if folder == "" {
		t.Skip("POSTERN_GALLERY names no folder")
	}
	for _, lang := range design.Languages {
		for name, p := range samples(t, lang) {
			_, _, source := render(t, p)
			write(t, filepath.Join(folder, name+"."+lang+".html"), []byte(strings.ReplaceAll(source, `http-equiv="refresh"`, `http-equiv="none"`)))
		}
	}
	for path, content := range assets.All() {
		write(t, filepath.Join(folder, path), content)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
