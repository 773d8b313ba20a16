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
	return all
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
	return p.Words.Translated(p.Lang, key, sentence, map[string]string{"Phone": string(design.Phone(h.Phone))})
}
