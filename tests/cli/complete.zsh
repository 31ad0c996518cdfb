# SPDX-License-Identifier: BSD-2-Clause
# zsh -f complete.zsh FOLDER LINE DUMP: what a zsh at a terminal, with the
# functions of FOLDER, offers when TAB is pressed behind LINE; a line each. DUMP
# is a file that makes the next one start faster.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "
unset zle_bracketed_paste
unsetopt auto_list
fpath=(${(q)1} \$fpath)
autoload -U compinit && compinit -u -d ${(q)3}
compadd() {
	local -a fit
	builtin compadd -O fit \"\$@\"
	[[ \$#fit -eq 0 ]] || print -rl -- '<<'\${^fit}'>>'
	builtin compadd \"\$@\"
}
zle-line-init() { print -r -- REA''DY }
zle -N zle-line-init"
# before the editor is there, the terminal itself takes ^U
while zpty -r shell text; do
	[[ $text != *READY* ]] || break
done
zpty -w -n shell "$2"$'\t'
zpty -w -n shell $'\x15'"print -r -- EN''D"$'\n'
while zpty -r shell text; do
	[[ $text != *END* ]] || break
	print -r -- "$text"
done | tr '\r' '\n' | sed -n 's/.*<<\(.*\)>>.*/\1/p' | sort -u
zpty -d shell
