package administration

import (
	"net/http"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type domainsPage struct { // domains.html
	console.Frame
	Domains []graphclient.Object
	Typed   string
	Writes  bool
}

// File implements console.Page.
func (domainsPage) File() string { return "domains.html" }

func domainsOf(c *console.Call) (domainsPage, error) {
	p := domainsPage{Frame: c.Frame("administration"), Writes: c.May(writeDomains)}
	var answer graphclient.Object
	answer, err := c.Graph.Get(c.Context(), "domains")
	p.Domains = answer.Objects("value")
	return p, err
}

func listDomains(c *console.Call) error {
	p, err := domainsOf(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

func addDomain(c *console.Call) error {
	name := c.Form("domain")
	added, err := c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{"id": name}, "domains")
	if err == nil {
		return c.Go(root+"/domains/"+added.Text("id"), "domain_added")
	}
	trouble := console.Explain(err)
	if trouble == nil {
		return err
	}
	p, readErr := domainsOf(c)
	if readErr != nil {
		return readErr
	}
	p.Typed, p.Fault = name, trouble
	return c.Show(statusOf(trouble), p)
}

type domainPage struct { // domain.html
	console.Frame
	Domain  graphclient.Object
	Record  graphclient.Object // of the DNS that verifies it; nil for a verified one
	Writes  bool
	Without bool // a Global Administrator may verify it without the DNS
	Remove  bool // asks before it is removed
	// Federation says that the page with its identity provider is open to who looks.
	Federation bool
}

// File implements console.Page.
func (domainPage) File() string { return "domain.html" }

func domainOf(c *console.Call) (domainPage, error) {
	p := domainPage{Frame: c.Frame("administration"), Writes: c.May(writeDomains), Remove: c.R.FormValue("remove") != ""}
	p.Federation = c.May(readFederation) && !c.Foreign()
	name := c.R.PathValue("name")
	var err error
	if p.Domain, err = c.Graph.Get(c.Context(), "domains", name); err != nil || p.Domain["isVerified"] == true {
		return p, err
	}
	p.Without = c.May(confirmDomain) && !c.Foreign()
	records, err := c.Graph.Get(c.Context(), "domains", name, "verificationDnsRecords")
	for _, r := range records.Objects("value") {
		if r.Text("recordType") == "Txt" {
			p.Record = r
		}
	}
	return p, err
}

func showDomain(c *console.Call) error {
	p, err := domainOf(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

// changeDomain does what the pressed button says.
func changeDomain(c *console.Call) error {
	name := c.R.PathValue("name")
	var err error
	done, then := "", root+"/domains/"+name
	switch c.Form("do") {
	case "verify":
		done = "domain_verified"
		_, err = c.Graph.Do(c.Context(), http.MethodPost, nil, "domains", name, "verify")
	case "confirm":
		done = "domain_verified"
		_, err = c.Graph.Do(c.Context(), http.MethodPost, graphclient.Object{"postern_withoutDns": true}, "domains", name, "verify")
	case "primary":
		done = "domain_primary"
		_, err = c.Graph.Do(c.Context(), http.MethodPatch, graphclient.Object{"isDefault": true}, "domains", name)
	case "remove":
		done, then = "domain_removed", root+"/domains"
		_, err = c.Graph.Do(c.Context(), http.MethodDelete, nil, "domains", name)
	default:
		return console.ErrNowhere
	}
	if err == nil {
		return c.Go(then, done)
	}
	trouble := console.Explain(err)
	if trouble == nil {
		return err
	}
	p, readErr := domainOf(c)
	if readErr != nil {
		return readErr
	}
	p.Fault = trouble
	return c.Show(statusOf(trouble), p)
}
