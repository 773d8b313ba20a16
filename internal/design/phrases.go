package design

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// Phrases are what the templates of one language say, whatever the page is about.
type Phrases struct {
	Words *Words
	Lang  string
	Now   func() time.Time
}

// Funcs are the functions that templates of every set of pages call.
func (p Phrases) Funcs() template.FuncMap {
	return template.FuncMap{
		"lang":    func() string { return p.Lang },
		"t":       p.Text,
		"when":    p.When,
		"whenIn":  p.WhenIn,
		"second":  second,
		"name":    Isolate,
		"address": Address,
		"clean":   Clean,
		"phone":   Phone,
		"code":    Mono,
		"qr":      p.qr,
	}
}

// Text returns the words for key, with pairs of a name and a value filled in.
func (p Phrases) Text(key string, args ...any) (template.HTML, error) {
	return p.Words.Fill(p.Lang, key, args...)
}

// qr draws text as a QR code; the words for key say what it is.
func (p Phrases) qr(text, key string) (template.HTML, error) {
	label, _ := p.Words.Find(p.Lang, key, nil)
	return QR(text, label)
}

// When returns at as people say it in zone: "12 November, 10:42". The year is named when
// it is not the current one. A zero time gives nothing.
func (p Phrases) When(at time.Time, zone *time.Location) (template.HTML, error) {
	return p.moment(at, zone, false)
}

// WhenIn is When with the zone named, for people who may be elsewhere.
func (p Phrases) WhenIn(at time.Time, zone *time.Location) (template.HTML, error) {
	return p.moment(at, zone, true)
}

func (p Phrases) moment(at time.Time, zone *time.Location, named bool) (template.HTML, error) {
	text, err := p.Moment(at, zone, named)
	if text == "" || err != nil {
		return "", err
	}
	return template.HTML(`<time datetime="` + at.UTC().Format(time.RFC3339) + `">` + text + `</time>`), nil
}

// Moment is When, or WhenIn where the zone is to be named, without markup, as letters need it.
func (p Phrases) Moment(at time.Time, zone *time.Location, named bool) (string, error) {
	if at.IsZero() {
		return "", nil
	}
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	data := map[string]string{"Day": strconv.Itoa(at.Day()), "Time": at.Format("15:04")}
	if at.Year() != p.Now().In(zone).Year() {
		data["Year"] = strconv.Itoa(at.Year())
	}
	if named {
		data["Zone"] = zone.String()
	}
	months, _ := p.Words.Find(p.Lang, "months", nil)
	if names := strings.Fields(months); len(names) == 12 {
		data["Month"] = names[at.Month()-1]
	}
	text, ok := p.Words.Find(p.Lang, "moment", data)
	if !ok || data["Month"] == "" {
		return "", fmt.Errorf("no words for times in %s", p.Lang)
	}
	return text, nil
}

// second is a time within a minute, for what ends soon.
func second(at time.Time, zone *time.Location) template.HTML {
	if zone == nil {
		zone = time.UTC
	}
	return template.HTML(`<time datetime="` + at.UTC().Format(time.RFC3339) + `">` + at.In(zone).Format("15:04:05") + `</time>`)
}
