"""Words that say nothing of what a memory is about: grammar, times, and what memories speak with.

Words of fewer than three letters are none in any case, so they are not here.
"""

_ENGLISH = """
about above after again against ago all almost along already also although always among and
another any anyone anything are aren around ask asked asking asks away back because been before
behind being below best better between both but call called calls came can cannot come comes
coming could couldn did didn does doesn doing don done down during each either else enjoy
enjoyed enjoying enjoys enough even ever every everyone everything far feel feeling feels felt
few find finds first for found from full gave get gets getting give given gives goes going gone
good got great had hadn happen happened has hasn hate hated hates have haven having her here
hers herself him himself his how however isn its itself just keep keeps kept kind knew know
known knows last lately later least less let like liked likes liking little live lived lives
living long look looked looking looks lot lots love loved loves made make makes making many may
maybe mean means mention mentioned mentions might mine more most much must myself name named
near need needed needs neither never new next nice none nor not nothing now off often old once
one ones only other others our out over own people person plan planned planning plans please
prefer preferred preferring prefers probably put quite rather read really recall recalled
recently regular regularly remember remembered reminded right said same saw say saying says see
seem seems seen set several shall she should shouldn show since some someone something
sometimes soon start started starts still stop stopped such sure take taken takes taking talk
talked talking tell tells than thank thanks that the their theirs them themselves then there
these they thing things think thinks third this those though thought through thus time times
together told too took toward tried tries try trying two three four five six seven eight nine
ten under unless until upon use used user users uses using usually very via want wanted wants
was wasn way well went were weren what whatever when where whether which while who whole whom
whose why will wish with within without won work worked working works would wouldn year yes yet
you your yours yourself believe believes believed appreciate appreciates appreciated experience
experiences experienced different difference important interest interests interested
interesting excited happy share shares shared discuss discussed visit visits visited spend
spends spent help helps helped helping favourite favourites favorite favorites buy buys bought
buying pastime hobby hobbies bit shows showed wear wears move moved decide decided learn
learned learns learning able hope hopes hoped care cares assistant bot chat conversation
message fact memory note noted preference session com html http https org www play plays played
playing watch watches watched watching bring brings brought joined joins join
"""

_TIMES = """
day days daily week weeks weekly weekend weekends month months monthly years yearly hour hours
minute minutes today tonight tomorrow yesterday morning mornings afternoon evening evenings
night nights monday mondays tuesday tuesdays wednesday wednesdays thursday thursdays friday
fridays saturday saturdays sunday sundays january february march april june july august
september october november december currently early late tag tage tagen täglich woche wochen
wochenende monat monate monaten jahr jahre jahren uhr stunde stunden heute gestern morgen abend
abends montag montags dienstag dienstags mittwoch mittwochs donnerstag donnerstags freitag
freitags samstag samstags sonntag sonntags januar februar märz mai juni juli oktober dezember
jour jours semaine semaines mois ans année années heure heures aujourd hui hier demain matin
soir lundi mardi mercredi jeudi vendredi samedi dimanche janvier février mars avril juin
juillet août septembre octobre novembre décembre día días semana semanas mes meses año años
hora horas hoy ayer mañana tarde noche lunes martes miércoles jueves viernes sábado sábados
domingo domingos enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre
diciembre giorno giorni settimana settimane mese mesi anno anni ora ore oggi ieri domani
mattina sera lunedì martedì mercoledì giovedì venerdì sabato domenica gennaio febbraio aprile
maggio giugno luglio settembre ottobre dicembre dia dias mês ano anos hoje ontem amanhã manhã
noite segunda terça quarta quinta sexta feira janeiro fevereiro março maio junho julho setembro
outubro novembro dezembro dagen weken maand maanden jaar jaren vandaag gisteren ochtend avond
maandag dinsdag woensdag donderdag vrijdag zaterdag zondag januari februari maart mei augustus
"""

_GERMAN = """
aber alle allem allen aller alles als also andere anderen auch auf aus bei beim bereits bis
bisher damit dann das dass dein deine dem den denn der des dich die dies diese diesem diesen
dieser dieses dir doch dort durch eher ein eine einem einen einer eines einige einmal etwas
euch für ganz gar gegen gehen geht gern gerne gesagt habe haben hat hatte hatten hier ich ihm
ihn ihnen ihr ihre ihrem ihren ihrer immer ins ist jede jedem jeden jeder jedes jetzt kann kein
keine keinen können lebt machen macht mag man manchmal mehr mein meine meinem meinen meiner
mich mir mit möchte mögen muss nach neu neue neuen nicht nichts noch nur oder oft ohne schon
sehr sein seine seinem seinen seiner seit sich sie sind soll sollte über und uns unser unsere
unter viel viele vom von vor war waren was weil weiss welche wenn wer werden wie wieder will
wir wird wohnt wollen wurde zum zur zwei zwischen nutzer nutzerin benutzer
"""

_ROMANCE = """
aime alors après aussi autre autres aux avant avec avoir beaucoup bien car ceci cela ces cet
cette ceux chaque chez comme dans depuis des deux dit donc dont elle elles encore entre est été
être eux fait faire fois ils jamais leur leurs lui mais même mes moi moins mon nos notre nous
nouveau nouvelle ont par parce pas pendant peu peut plus pour pourquoi préfère quand que quel
quelle quelque qui quoi rien sans ses son sont souvent sous suis sur tes toi ton toujours tous
tout toute toutes très trop une utilisateur utilisatrice vers veut voir vos votre vous algo
algunos ante antes así aunque cada casi como con contra cual cuando del desde dice donde dos
ella ellas ellos era eran eres esa ese eso esta está están estas este esto estos fue gusta
gustan hace hacer hacia hasta hay las les los más mejor menos mientras mis mismo mucho muchos
muy nada nosotros nuestra nuestro nueva nuevo nunca otra otras otro otros para pero poco por
porque prefiere puede pues qué quien quiere ser sido siempre sin sobre solo soy sus también
tanto tener tiene tienen todo todos tres tuvo una unas uno unos usa usuaria usuario usted vez
veces vive voy alla alle allora anche ancora avere aveva bene che chi coi come così cosa cui
dagli dal dalla degli dei della delle dello dopo dove due ecco essere fare fatto fra gli già
hanno ieri invece loro mai meglio mentre mia mie miei mio molto negli nel nella nelle noi non
nostra nostro nulla nuovo ogni oltre oppure perché per piace più poi preferisce prima può
qualche quale quando quanto quella quelli quello questa queste questi questo sempre senza sia
siamo sono sopra sta stata stato stessa stesso sua sue sui sul sulla suo tra tre tutta tutte
tutti tutto utente voi volta vuole agora ainda além alguma alguns aos apenas até bem bom com
cujo das dela dele deles depois dessa desse desta deste disse dois ela elas ele eles enquanto
essa esse estão faz fazer foi foram gosta gostam isso isto lhe mas melhor mesmo meu meus minha
muito muitos não nas nem nossa nosso nova novo num numa onde outra outras outro outros pela
pelo pelos pode pouco prefere qual quem quer são sem seu seus sim suas também tem têm ter teve
três tudo uma umas usuário usuária vai vezes você
"""

_NORTHERN = """
aan achter alle alleen als altijd ander andere bij bijna daar dan dat deze die dit doen doet
door een elk elke gaan gaat geen gebruiker gebruikt goed had heb hebben heeft heel het hier hij
hoe houdt iets kan komt maar mag maken meer met mij mijn moet naar niet niets nieuwe nog nooit
ook omdat onder ons onze over sinds soms tegen toch toen tot tussen twee uit vaak van veel voor
voorkeur waar wanneer want waren was wat weer wel werd wie wil wij wordt woont worden zal zeer
zei zich zij zijn zonder zou graag alla allt alltid andra användare användaren att aldrig bara
blev blir bra både där den denna deras dessa det detta dig din efter eller ett finns för före
från gillar göra gör han har hans helst hon hur här idag igen inga ingen inte jag kommer man
med mellan men mer mig min mot mycket när nya och ofta också oss över sedan sig sin ska som tar
till två under upp utan vad var varje vara vid vill altid andre bare bliver bruger brukeren
bruker brugeren deg der deres ikke etter fordi fra før gerne gjør gør godt hende henne hun hvad
hva hver hvor hvordan igjen jeg kunne liker lige meg meget mellem mellom mere mye nogle noen
noget noe når også opp plejer siden skal til uten uden ved veldig vil være
"""

_SLAVIC = """
ale albo ani bardzo był była było być bez często czy czym dla dlaczego dobrze dwa gdy gdzie ich
ile inne jak jako jego jej jest jeszcze jestem już każdy kiedy kto który która które lub lubi
mam mieć mnie mój moja może nad nas nic nie niego nigdy nim niż nowy ona one oni oraz pod przed
przez przy się sobie tak także tam ten tej tego też tylko tym użytkownik użytkowniczka więc
wszystko zawsze żeby без был была были было быть вам вас ваш ведь весь вот все всегда всего
всех всё где даже два для его если есть ещё еще или имеет иногда каждый как какой когда который
которая которые кто любит лучше меня мне много может мой моя нам нас наш него нее неё нет
никогда ним ничего новый она они оно очень перед под пока после потом потому почти предпочитает
при про раз сам себя сейчас сегодня вчера завтра свой своя сказал сказала снова так также там
тебя тоже только тот три тут уже хочет хотя чем через что чтобы это этого этой этот живёт живет
работает пользователь пользователя
"""  # noqa: RUF001 Cyrillic letters look like others

_PAIRS = """
用户 喜欢 我们 他们 她们 自己 没有 可以 一个 这个 那个 什么 怎么 今天 昨天 明天 每天 每周 现在
因为 所以 但是 如果 时候 时间 知道 觉得 想要 使用 经常 一起 已经 需要 用戶 喜歡 我們 他們 沒有
一個 這個 什麼 現在 因為 時候 今日 昨日 明日 毎日 毎週 時間 自分 最近 利用 ユー ーザ ザー 사용
좋아 오늘 어제 내일 매일 매주 그리 그는 그녀 하는 하고 했다 한다 있는 있다 있어 없는 없다 것을
것이 때문 우리 나는 저는 자주 항상
"""

STOP_WORDS = frozenset(
    f"{_ENGLISH} {_TIMES} {_GERMAN} {_ROMANCE} {_NORTHERN} {_SLAVIC} {_PAIRS}".split()
)
"""No themes, in the languages that most memories are written in; pairs are of unspaced scripts."""
