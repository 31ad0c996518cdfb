# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Completion of vhdtool's command lines for bash 4 and later; nothing else is
# needed. What commands, options and values there are, the functions at the end
# know, which are made from the tables of the program.

# _vhdtool_offer KIND [WORD...]: what $cur may become
_vhdtool_offer() {
	local kind=$1 cur=$cur
	shift
	case $kind in
	words) mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur") ;;
	folders)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	files)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	devices) mapfile -t COMPREPLY < <(compgen -f -- "${cur:-/dev/}" |
		grep -E '^/dev(/(nbd|loop|ublkb|dm-)[0-9]+)?$') ;;
	esac
}

# _vhdtool_value_of OPTION: offers its values, unless it has none
_vhdtool_value_of() {
	local value
	read -ra value <<<"$(_vhdtool_value "$command" "$1")"
	[ "${#value[@]}" -gt 0 ] || return 1
	if [ "${value[0]}" = attached ]; then
		[ "$2" = attached ] || return 1
		value=("${value[@]:1}")
	fi
	_vhdtool_offer "${value[@]}"
}

# _vhdtool_count: how many arguments stand between the command and the word at
# the cursor; "end" in $options if there was a --
_vhdtool_count() {
	local i word value
	count=0
	for ((i = 2; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [ "$options" = end ]; then
			count=$((count + 1))
		elif [ "$word" = -- ]; then
			options=end
		elif [[ $word == -?* ]]; then
			value=$(_vhdtool_value "$command" "$word")
			# a value is the next word, or one behind a "="
			if [ "${COMP_WORDS[i + 1]-}" = = ]; then
				i=$((i + 2))
			elif [ -n "$value" ] && [[ $value != attached* ]]; then
				i=$((i + 1))
				# NAME=FILE
				[ "${COMP_WORDS[i + 1]-}" != = ] ||
					i=$((i + 2))
			fi
		else
			count=$((count + 1))
		fi
	done
}

# The value that the cursor is in, if it is in one. Words are split at "=".
_vhdtool_in_value() {
	local before=${COMP_WORDS[COMP_CWORD - 1]}
	local two=${COMP_WORDS[COMP_CWORD - 2]-} three
	three=
	[ "$COMP_CWORD" -lt 3 ] || three=${COMP_WORDS[COMP_CWORD - 3]}
	[ "$COMP_CWORD" -gt 2 ] || return 1
	if [ "$cur" = = ]; then
		cur=
		[[ $before != -* ]] || {
			_vhdtool_value_of "$before" attached
			return
		}
		two=$before
		three=${COMP_WORDS[COMP_CWORD - 2]}
	elif [ "$before" != = ]; then
		[[ $before == -* ]] && _vhdtool_value_of "$before" next
		return
	elif [[ $two == -* ]]; then
		_vhdtool_value_of "$two" attached
		return
	fi
	[ "$(_vhdtool_value "$command" "$three")" = pair ] || return 1
	_vhdtool_offer files
}

_vhdtool_options_of_command() {
	local word
	for word in $(_vhdtool_options "$command"); do
		case $word in
		*'[=]')
			COMPREPLY+=("${word%'[=]'}" "${word%'[=]'}=")
			;;
		*) COMPREPLY+=("$word") ;;
		esac
	done
	mapfile -t COMPREPLY < <(compgen -W "${COMPREPLY[*]}" -- "$cur")
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] ||
		compopt -o nospace 2>/dev/null
}

_vhdtool() {
	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-}
	local count options value
	options=
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		if [[ $cur == -* ]]; then
			_vhdtool_offer words --help --version
		else
			_vhdtool_offer words "$(_vhdtool_commands)"
		fi
		return
	fi
	if [ "$command" = help ]; then
		_vhdtool_offer words "$(_vhdtool_commands)"
		return
	fi
	_vhdtool_count
	if [ -z "$options" ]; then
		! _vhdtool_in_value || return 0
		if [[ $cur == -* ]]; then
			_vhdtool_options_of_command
			return
		fi
	fi
	read -ra value <<<"$(_vhdtool_argument "$command" $((count + 1)))"
	[ "${#value[@]}" -eq 0 ] || _vhdtool_offer "${value[@]}"
}
