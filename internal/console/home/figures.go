package home

import (
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/console/plot"
	"github.com/postern-id/postern/internal/graphclient"
)

// figures are the answers of Graph that plots are drawn from.
type figures struct {
	call            *console.Call
	daily           graphclient.Object
	days            []graphclient.Object
	people, devices graphclient.Object
}

func read(c *console.Call) (figures, error) {
	f := figures{call: c}
	for _, one := range []struct {
		into *graphclient.Object
		name string
	}{{&f.daily, "daily"}, {&f.people, "people"}, {&f.devices, "devices"}} {
		var err error
		if *one.into, err = c.Graph.Get(c.Context(), "postern", "reports", one.name); err != nil {
			return f, err
		}
	}
	f.days = f.daily.Objects("value")
	return f, nil
}

// week are the last seven days.
func (f figures) week() []graphclient.Object { return f.days[max(0, len(f.days)-7):] }

func sum(days []graphclient.Object, path string) (n int) {
	for _, d := range days {
		n += number(d, path)
	}
	return n
}

func (f figures) today() today {
	if len(f.days) == 0 {
		return today{}
	}
	last := f.days[len(f.days)-1]
	t := today{
		Issued: number(last, "passes/issued"), Waiting: number(f.daily, "passesWaiting"), SetUp: number(last, "pins/setUp") + number(last, "pins/reset"),
		Failed: number(last, "signIns/failed"),
	}
	t.Median = time.Duration(number(last, "passes/medianSecondsToFirstUse")) * time.Second
	return t
}

// quiet reports whether nothing has happened in all days: the tenant is new.
func (f figures) quiet() bool {
	return number(f.daily, "total/passes/used")+sum(f.days, "signIns/failed")+f.signIns(f.days) == 0
}

func (f figures) signIns(days []graphclient.Object) (n int) {
	for _, s := range strengths {
		n += sum(days, "signIns/byStrength/"+s.name)
	}
	return n
}

// A series is something that is counted, with the class that it is drawn in.
type series struct{ name, class string }

var (
	passes    = []series{{"used", "main"}, {"endedUnused", "third"}, {"refused", "alert"}}
	ways      = []series{{"twoOrMore", "main"}, {"one", "second"}, {"none", "alert"}}
	healths   = []series{{"ready", "main"}, {"stale", "third"}, {"broken", "alert"}, {"noWebSignIn", "alert"}, {"pending", "second"}, {"off", "third"}}
	methods   = []series{{"windowsHelloForBusiness", "main"}, {"fido2", "main"}, {"microsoftAuthenticator", "second"}, {"temporaryAccessPass", "second"}, {"softwareOath", "second"}, {"password", "third"}, {"other", "third"}}
	presets   = []series{{"recoverDevice", "main"}, {"newDevice", "second"}, {"newEmployee", "second"}, {"recoveryCase", "main"}, {"workflow", "second"}, {"other", "third"}}
	strengths = []series{{"phishingResistant", "main"}, {"multiFactor", "second"}, {"temporaryAccessPass", "third"}, {"singleFactor", "alert"}}
)

// drawn is a plot with what stands around it.
type drawn struct {
	Name   string // key of its words: home_{name}
	Plot   plot.Plot
	Figure string // the one number that is looked at; empty for none
	Total  int
	Legend []legend
	Heads  []string
	Rows   [][]string
	days   []string // what the page says instead of the first cells of Rows; files keep those
	Empty  bool
	AsOf   time.Time // zero where it is of now
	Begun  bool      // what is counted is not complete yet
}

// Shown are the rows as the page has them.
func (d drawn) Shown() [][]string {
	if d.days == nil {
		return d.Rows
	}
	all := make([][]string, len(d.Rows))
	for i, row := range d.Rows {
		all[i] = append([]string{d.days[i]}, row[1:]...)
	}
	return all
}

// legend is an entry of a plot's legend.
type legend struct {
	Class, Words string
	Value        int
	Href         string
}

// drawn draws the plot of that name; the zero value for one that there is not.
func (f figures) drawn(name string) drawn {
	d := drawn{Name: name}
	switch name {
	case "passes":
		f.passes(&d)
	case "ways":
		f.shares(&d, f.people, "everybody/", ways, "/reports/people/", "readRegistrations")
	case "devices":
		f.shares(&d, f.devices, "byState/", healths, "/reports/devices/", reads)
	case "presets":
		f.meters(&d, f.days, presets, "passes/byPreset/")
	case "methods":
		f.meters(&d, f.week(), methods, "signIns/byMethod/")
	case "strengths":
		f.meters(&d, f.week(), strengths, "signIns/byStrength/")
	default:
		return drawn{}
	}
	return d
}

func (f figures) text(key string, args ...string) string { return f.call.Text("home_"+key, args...) }

func (f figures) passes(d *drawn) {
	label, most, when := []string{}, 0, ""
	var all []plot.Series
	for _, s := range passes {
		n, one := sum(f.days, "passes/"+s.name), plot.Series{Class: s.class}
		for _, day := range f.days {
			one.Values = append(one.Values, number(day, "passes/"+s.name))
		}
		all = append(all, one)
		words := f.text("passes_" + s.name)
		d.Legend, d.Total = append(d.Legend, legend{Class: s.class, Words: words, Value: n}), d.Total+n
		label = append(label, console.Number(n)+" "+words)
	}
	under := map[int]string{}
	d.Heads = []string{f.text("day"), f.text("issued")}
	for _, l := range d.Legend {
		d.Heads = append(d.Heads, l.Words)
	}
	for i, one := range f.days {
		date, err := time.Parse(time.DateOnly, one.Text("date"))
		if err != nil {
			continue
		}
		if date.Weekday() == time.Monday && i < len(f.days)-4 {
			under[i] = day(f.call, date)
		}
		row, bar := []string{one.Text("date"), strconv.Itoa(number(one, "passes/issued"))}, 0
		for _, s := range passes {
			n := number(one, "passes/"+s.name)
			row, bar = append(row, strconv.Itoa(n)), bar+n
		}
		if bar > most {
			most, when = bar, day(f.call, date)
		}
		d.Rows = append([][]string{row}, d.Rows...) // newest first
		d.days = append([]string{day(f.call, date)}, d.days...)
	}
	words := f.text("passes_label", "Parts", strings.Join(label, ", "), "Days", strconv.Itoa(len(f.days)))
	if most > 0 {
		words += " " + f.text("passes_most", "Day", when, "N", console.Number(most))
	}
	d.Plot, d.Empty = plot.Bars(words, all, under, console.Number), d.Total == 0
}

// shares draws how the parts of a census stand to each other.
func (f figures) shares(d *drawn, o graphclient.Object, prefix string, all []series, path, needs string) {
	d.Heads = []string{f.text(d.Name + "_head"), f.text(d.Name + "_count")}
	var parts []plot.Part
	var label []string
	total := 0
	for _, s := range all {
		total += number(o, prefix+s.name)
	}
	for _, s := range all {
		n, words := number(o, prefix+s.name), f.text(d.Name+"_"+s.name)
		d.Rows = append(d.Rows, []string{words, strconv.Itoa(n)})
		if n == 0 {
			continue
		}
		l := legend{Class: s.class, Words: words, Value: n}
		if f.call.May(needs) {
			l.Href = console.Root + path + s.name
		}
		d.Legend, parts = append(d.Legend, l), append(parts, plot.Part{Class: s.class, Value: n})
		label = append(label, f.percent(n, total)+" "+words)
	}
	good := number(o, prefix+all[0].name)
	if d.Name == "ways" {
		good += number(o, prefix+all[1].name)
	}
	d.Total, d.Empty, d.Begun = total, total == 0, o.Text("isComplete") != "true"
	if total > 0 {
		d.Figure = f.percent(good, total)
	}
	d.AsOf, _ = time.Parse(time.RFC3339, o.Text("asOfDateTime")) // none while the first round goes on
	d.Plot = plot.Shares(strings.Join(label, ", "), parts)
}

// meters draws how what was counted on some days stands to each other.
func (f figures) meters(d *drawn, days []graphclient.Object, all []series, path string) {
	d.Heads = []string{f.text(d.Name + "_head"), f.text("signIns")}
	if d.Name == "presets" {
		d.Heads[1] = f.text("issued")
	}
	var parts []plot.Part
	var label []string
	for _, s := range all {
		d.Total += sum(days, path+s.name)
	}
	for _, s := range all {
		n, words := sum(days, path+s.name), f.text(d.Name+"_"+s.name)
		d.Rows = append(d.Rows, []string{words, strconv.Itoa(n)})
		if n == 0 {
			continue
		}
		parts = append(parts, plot.Part{Class: s.class, Name: words, Value: n, Words: f.percent(n, d.Total)})
		label = append(label, words+" "+f.percent(n, d.Total))
	}
	d.Empty = d.Total == 0
	d.Plot = plot.Meters(strings.Join(label, ", "), parts, d.Total)
}

// percent says what part n is of total; never 100 or 0 for what is not all or nothing.
func (f figures) percent(n, total int) string {
	if total == 0 {
		return f.text("percent", "N", "0")
	}
	tenths := (1000*n + total/2) / total
	switch {
	case tenths == 1000 && n < total:
		tenths = 999
	case tenths == 0 && n > 0:
		tenths = 1
	}
	text := strconv.Itoa(tenths / 10)
	if tenths%10 != 0 && (tenths < 100 || tenths > 900) {
		text += "." + strconv.Itoa(tenths%10)
	} else if tenths%10 >= 5 {
		text = strconv.Itoa(tenths/10 + 1)
	}
	return f.text("percent", "N", text)
}
