package pages

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/fault"
)

// A phrasebook is what the templates of one language call.
type phrasebook struct {
	words *design.Words
	lang  string
	now   func() time.Time
}

func (p phrasebook) funcs() template.FuncMap {
	return template.FuncMap{
		"lang":   func() string { return p.lang },
		"t":      p.text,
		"fault":  p.fault,
		"remedy": p.remedy,
		"when":   p.when,
		"whenIn": p.whenIn,
		"second": second,
		"asset":  assets.Path,
		"icon":   assets.Icon,
		"name":   design.Isolate,
		"clean":  design.Clean,
		"phone":  design.Phone,
		"code":   design.Mono,
		"qr":     p.qr,
	}
}

// text returns the words for key, with pairs of a name and a value filled in.
func (p phrasebook) text(key string, args ...any) (template.HTML, error) {
	return p.words.Fill(p.lang, key, args...)
}

// qr draws text as a QR code; the words for key say what it is.
func (p phrasebook) qr(text, key string) (template.HTML, error) {
	label, _ := p.words.Find(p.lang, key, nil)
	return design.QR(text, label)
}

// fault returns what f says happened.
func (p phrasebook) fault(f *fault.Error) template.HTML {
	return p.translated("fault_"+f.Code, f.Text, Helpdesk{})
}

// remedy returns what f says to do; the sentence may name the helpdesk's number.
func (p phrasebook) remedy(f *fault.Error, h Helpdesk) template.HTML {
	return p.translated("fault_"+f.Code+"_remedy", f.Remedy, h)
}

func (p phrasebook) translated(key, sentence string, h Helpdesk) template.HTML {
	return p.words.Translated(p.lang, key, sentence, map[string]string{"Phone": string(design.Phone(h.Phone))})
}

// when returns at as people say it in zone: "12 November, 10:42". The year is named when
// it is not the current one. A zero time gives nothing.
func (p phrasebook) when(at time.Time, zone *time.Location) (template.HTML, error) {
	return p.moment(at, zone, false)
}

// whenIn is when with the zone named, for people who may be elsewhere.
func (p phrasebook) whenIn(at time.Time, zone *time.Location) (template.HTML, error) {
	return p.moment(at, zone, true)
}

func (p phrasebook) moment(at time.Time, zone *time.Location, named bool) (template.HTML, error) {
	text, err := p.momentText(at, zone, named)
	if text == "" || err != nil {
		return "", err
	}
	return template.HTML(`<time datetime="` + at.UTC().Format(time.RFC3339) + `">` + text + `</time>`), nil
}

// momentText is moment without markup, as letters need it.
func (p phrasebook) momentText(at time.Time, zone *time.Location, named bool) (string, error) {
	if at.IsZero() {
		return "", nil
	}
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	data := map[string]string{"Day": strconv.Itoa(at.Day()), "Time": at.Format("15:04")}
	if at.Year() != p.now().In(zone).Year() {
		data["Year"] = strconv.Itoa(at.Year())
	}
	if named {
		data["Zone"] = zone.String()
	}
	months, _ := p.words.Find(p.lang, "months", nil)
	if names := strings.Fields(months); len(names) == 12 {
		data["Month"] = names[at.Month()-1]
	}
	text, ok := p.words.Find(p.lang, "moment", data)
	if !ok || data["Month"] == "" {
		return "", fmt.Errorf("no words for times in %s", p.lang)
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
