package access

import (
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type placesPage struct { // places.html
	console.Frame
	Places []place
	Write  bool
}

// File implements console.Page.
func (placesPage) File() string { return "places.html" }

// A place is a named location, as the form has it.
type place struct {
	ID, Name, Tag string
	Kind          string // networks or countries
	Trusted       bool
	Exit          bool // people from anywhere come through it
	Unknown       bool
	Networks      []string
	Countries     []string
}

// Graph's names of the kinds.
const (
	networksType  = "#microsoft.graph.ipNamedLocation"
	countriesType = "#microsoft.graph.countryNamedLocation"
)

func placeOf(o graphclient.Object) place {
	p := place{ID: o.Text("id"), Name: o.Text("displayName"), Tag: o.Text("@odata.etag"), Kind: "networks", Trusted: o.Text("isTrusted") == "true"}
	for _, r := range o.Objects("ipRanges") {
		p.Networks = append(p.Networks, r.Text("cidrAddress"))
	}
	if o.Text("@odata.type") == countriesType {
		p.Kind, p.Countries, p.Unknown = "countries", texts(o["countriesAndRegions"]), o.Text("includeUnknownCountriesAndRegions") == "true"
	}
	return p
}

// Lines are the networks or countries, one a line.
func (p place) Lines() string { return strings.Join(append(list(p.Networks), p.Countries...), "\n") }

// Short is where the place is, in a few words.
func (p place) Short() string {
	all := append(list(p.Networks), p.Countries...)
	if len(all) > 4 {
		all = append(all[:4], "…")
	}
	return strings.Join(all, ", ")
}

func (p place) body() graphclient.Object {
	if p.Kind == "countries" {
		return graphclient.Object{"@odata.type": countriesType, "displayName": p.Name, "countriesAndRegions": list(p.Countries), "includeUnknownCountriesAndRegions": p.Unknown}
	}
	ranges := []graphclient.Object{}
	for _, n := range p.Networks {
		kind := "#microsoft.graph.iPv4CidrRange"
		if strings.Contains(n, ":") {
			kind = "#microsoft.graph.iPv6CidrRange"
		}
		ranges = append(ranges, graphclient.Object{"@odata.type": kind, "cidrAddress": n})
	}
	return graphclient.Object{"@odata.type": networksType, "displayName": p.Name, "isTrusted": p.Trusted, "ipRanges": ranges}
}

func listPlaces(c *console.Call) error {
	p := placesPage{Frame: c.Frame("access"), Write: c.May("writeAccessRules")}
	for o, err := range c.Graph.NamedLocations(c.Context()) {
		if err != nil {
			return err
		}
		p.Places = append(p.Places, placeOf(o))
	}
	return c.Show(http.StatusOK, p)
}

type placePage struct { // place.html
	console.Frame
	Place  place
	Typed  string // networks or countries, as they were typed
	Exits  bool   // whether the service knows of exits
	Remove bool   // whether to delete is asked
	// Refused says that no administrator could get in any more.
	Refused bool
}

// File implements console.Page.
func (placePage) File() string { return "place.html" }

func placeIn(c *console.Call) (place, error) {
	id := c.R.PathValue("id")
	if id == "" {
		return place{Kind: "networks"}, nil
	}
	o, err := c.Graph.Get(c.Context(), "identity", "conditionalAccess", "namedLocations", id)
	p := placeOf(o)
	if err == nil && p.Kind == "networks" && !c.Foreign() {
		o, err = c.Graph.Select(c.Context(), "postern_isExit", "identity", "conditionalAccess", "namedLocations", id)
		p.Exit = o.Text("postern_isExit") == "true"
	}
	return p, err
}

func askPlace(c *console.Call) error {
	p := placePage{Frame: c.Frame("access"), Exits: !c.Foreign(), Remove: c.R.URL.Query().Get("remove") != ""}
	var err error
	if p.Place, err = placeIn(c); err != nil {
		return err
	}
	if p.Place.ID == "" && c.R.URL.Query().Get("kind") == "countries" {
		p.Place.Kind = "countries"
	}
	p.Typed = p.Place.Lines()
	return c.Show(http.StatusOK, p)
}

// words are what is separated by lines, spaces or commas.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
}

func savePlace(c *console.Call) error {
	p := placePage{Frame: c.Frame("access"), Exits: !c.Foreign()}
	var err error
	if p.Place, err = placeIn(c); err != nil {
		return err
	}
	match := c.Graph.Matching(c.Form("etag"))
	if c.Form("do") == "remove" {
		_, err = match.Do(c.Context(), http.MethodDelete, nil, "identity", "conditionalAccess", "namedLocations", p.Place.ID)
		if err == nil {
			return c.Go(places, "access_place_deleted")
		}
		p.Typed, p.Remove = p.Place.Lines(), true
	} else {
		p.Typed = c.R.FormValue("where")
		p.Place.Name, p.Place.Trusted, p.Place.Unknown = c.Form("name"), c.Form("trusted") != "", c.Form("unknown") != ""
		p.Place.Exit = c.Form("exit") != ""
		if p.Place.ID == "" {
			p.Place.Kind = c.Form("kind")
		}
		if p.Place.Kind == "countries" {
			p.Place.Countries = words(strings.ToUpper(p.Typed))
		} else {
			p.Place.Networks = words(p.Typed)
		}
		body := p.Place.body()
		if p.Exits && p.Place.Kind != "countries" {
			body["postern_isExit"] = p.Place.Exit
		}
		if p.Place.ID == "" {
			_, err = c.Graph.Do(c.Context(), http.MethodPost, body, "identity", "conditionalAccess", "namedLocations")
		} else {
			if c.Form("force") != "" {
				body["postern_force"] = true
			}
			_, err = match.Do(c.Context(), http.MethodPatch, body, "identity", "conditionalAccess", "namedLocations", p.Place.ID)
		}
		if err == nil {
			return c.Go(places, "access_place_saved")
		}
	}
	if p.Fault = console.Explain(err); p.Fault == nil {
		return err
	}
	p.Refused = p.Fault.Status == http.StatusConflict && !p.Remove && !c.Foreign()
	return c.Show(http.StatusBadRequest, p)
}
