package pages

import (
	"html/template"

	"github.com/postern-id/postern/internal/design"
	"github.com/postern-id/postern/internal/fault"
)

// A phrasebook is what the templates of one language call.
type phrasebook struct{ design.Phrases }

func (p phrasebook) funcs() template.FuncMap {
	all := p.Funcs()
	all["fault"], all["remedy"] = p.fault, p.remedy
	all["asset"], all["icon"] = assets.Path, assets.Icon
	all["passGroups"] = passGroups
	return all
}

// fault returns what f says happened.
func (p phrasebook) fault(f *fault.Error) template.HTML {
	return p.translated("fault_"+f.Code, f.Text, f.Target, Helpdesk{})
}

// remedy returns what f says to do; the sentence may name the helpdesk's number.
func (p phrasebook) remedy(f *fault.Error, h Helpdesk) template.HTML {
	return p.translated("fault_"+f.Code+"_remedy", f.Remedy, f.Target, h)
}

// translated returns the sentence in the person's language; it may name what the fault is about.
func (p phrasebook) translated(key, sentence, target string, h Helpdesk) template.HTML {
	return p.Words.Translated(p.Lang, key, sentence, map[string]string{
		"Phone": string(design.Phone(h.Phone)), "Target": string(design.Isolate(target)),
	})
}

// A passLetter is one character of a pass as it is shown.
type passLetter struct {
	Char    template.HTML
	Capital bool
}

// passGroups splits a pass into groups of four letters, each of which stands by itself.
func passGroups(pass string) [][]passLetter {
	var all [][]passLetter
	n := 0
	for _, c := range pass {
		if n%4 == 0 {
			all = append(all, nil)
		}
		n++
		all[len(all)-1] = append(all[len(all)-1], passLetter{design.Isolate(string(c)), 'A' <= c && c <= 'Z'})
	}
	return all
}
