package pages

import "net/http"

// addWayPage is addway.html: the methods that a person may add.
type addWayPage struct {
	frame
	Name        string
	SignOutHref string
	BackHref    string
	Offers      []offer
	Notice      string // what was just done
	ForMethods  bool   // a pass for this alone led here: there is no way back to other pages
}

func (addWayPage) file() string { return "addway.html" }

// showAddWay serves GET /security-info/add.
func (s *Site) showAddWay(w http.ResponseWriter, r *http.Request) error {
	me, ok, err := s.signedIn(w, r)
	if err != nil || !ok {
		return err
	}
	return s.renderAddWay(w, r, me)
}

func (s *Site) renderAddWay(w http.ResponseWriter, r *http.Request, me knownAccount) error {
	tenant, err := s.tenant(r.Context(), me.session.Tenant)
	if err != nil {
		return err
	}
	p := addWayPage{frame: s.frame(r, tenant), Name: me.user.DisplayName, SignOutHref: signOutHref(tenant), BackHref: securityInfoPath, ForMethods: me.session.Purpose != ""}
	if key, ok := dones[r.URL.Query().Get("done")]; ok {
		p.Notice = s.View.Text(p.Lang, key)
	}
	open, err := s.openTo(r, me)
	if err != nil {
		return err
	}
	for _, one := range open {
		p.Offers = append(p.Offers, s.addOffer(p.Lang, one))
	}
	s.render(w, r, http.StatusOK, p)
	return nil
}

// addOffer is a method to be added, in words.
func (s *Site) addOffer(lang string, one registrar) offer {
	return offer{
		Icon: one.icon, Name: s.View.Text(lang, "method_"+string(one.id)), Description: s.View.Text(lang, "method_"+string(one.id)+"_add"),
		Href: addPath + "/" + string(one.id),
	}
}
