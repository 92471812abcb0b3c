"""Common given names, family names and cities, in lower case without accents."""

GIVEN_NAMES = frozenset(
    """
    aaron abbas abdul abdullah abigail ada adam adel adelaide adele adeline ademir adolfo adrian adriana
    adrien agata agathe agnes agnieszka agustin ahmed aida aidan aileen aina ainhoa aisha aitor akash
    akira aksel alan alba albert alberto aldo alejandra alejandro alena alessandra alessandro alessia alex
    alexander alexandra alexandre alexis alfonso alfred alfredo ali alice alicia alina aline alison
    alistair alma alois alojz alva alvaro alvin amalia amalie amanda amaya amber ambra amelia amelie amina
    amir amparo amund amy ana anabel ananya anastasia anatol ander anders andre andrea andreas andreea
    andrei andrej andres andrew andrzej anett angel angela angelika angelina angelo aniela anika anil
    anish anita anja anke ann anna annabel annalisa anne annegret annelies anneliese annemarie annett
    annette annick annika anselm ansgar anthony antje antoine antoinette anton antonella antonia antonio
    anya aoife ariana arjun arlene arnaud arne arnold aron arthur arturo arvid asa asger ashley ashok
    asier astrid august augusto aurelie aurelien aurora ava axel axelle aylin ayse baptiste barbara bart
    bastian beata beate beatrice beatriz begona bela belen ben bendik benedikt benito benjamin benoit
    berit bernadette bernard bernd bernhard berta berthold bertram bertrand bettina bianca bianka bill
    birgit birte bjorn blanca blazej bob bodil bogdan bohdan boris bozena brad bram brandon brenda brent
    brett brian bridget brigitte britt britta brittany brooke bruce bruno bryan burkhard caitlin cameron
    camille carina carl carla carlo carlos carlotta carme carmen carol carola carole carolin carolina
    caroline carolyn carsten casper cassandra catalina catarina catherine cecile cecilia cedric celia
    celine cem cesar chantal charlene charles charlie charlotte chelsea chen cheryl chester chiara chloe
    chris christa christel christelle christian christiane christina christine christoph christophe
    christopher chuck cindy claire clara claude claudia claudine claudio claus clemens clement clementine
    cody colin concepcion concetta connor conrad constance constantin consuelo coralie cordula corinna
    corinne cornelia cornelis cosima craig cristian cristina crystal curtis cynthia cyril dafne dagmar
    dale damian damien dan dana daniel daniela daniele danielle danny danuta daphne daria darius dariusz
    darren david dawid dawn dean debbie deborah delphine denis denise dennis derek desiree detlef detlev
    devon diana diane diederik diego dieter dietmar dietrich dimitri dina dino dirk dolf dolores domenico
    dominic dominik dominika dominique don donald donatella donna doreen dorina doris dorit dorota
    dorothea dorothy dorte douglas duarte duncan dustin dwayne dylan earl ebba eberhard ebru edda eddie
    edgar edith edmund edna eduardo edvard edward edwin egon eileen eino eirik eivind ekkehard elaine
    elena eleni eleonora elfriede eliane elias elif elin eline elio elisa elisabet elisabeth elise
    elizabeta elizabeth elke ella ellen ellie elmar elodie els elsa elsie elvira elzbieta emanuel emil
    emilia emiliano emilie emilio emily emine emma emmanuel emmi emre encarnacion enrico enrique enzo eric
    erica erich erik erika erin erna ernest ernesto ernst erwin esmee esra esteban estelle ester esther
    estrella ethan etienne eugen eugene eugenia eugenio eusebio eva evan evelien evelina evelyn evi evita
    ewa ewelina fabian fabienne fabio fabrice fabrizio falk fanny fatima fatma faustino faye federica
    federico felicia felicitas felicite felicity felipe felix femke fernanda fernando fie filip filippa
    filippo fina finn fiona fleur flora florence florentina florian floris floyd fons frances francesca
    francesco francine francis francisco francois frank franz frauke fred freddy frederic frederik fredrik
    fredrika freja freya frieda friedhelm friedrich frits fritz gabor gabriel gabriela gabriele gaetan
    gaetano galina gareth gary gaston gavin geert gemma genevieve geoffrey georg george georges gerald
    geraldine gerard gerd gerda gerhard gerrit gert gertrud gertrude ghislaine giacomo gianluca gianni
    gilbert gilberto gilles gina ginevra gino giorgia giorgio giovanna giovanni gisela gisele giulia
    giuseppe gizem glen glenn gloria gonzalo goran gordon gottfried gotz grace graham grazia grazyna greg
    gregor gregorio gregory greta grit grzegorz gudrun guglielmo guido guillaume guillermo gunilla gunnar
    gunter gunther gustaf gustav gustavo guy gwendolyn hakan halina halvard hampus hamza hana hanna hannah
    hanne hannelore hannes hans hansjorg harald harriet harry hartmut hassan hatice hazel heather hector
    hedwig heidi heidrun heike heiko heinke heinrich heinrike heinz helen helena helene helga hella
    hellmut helmut hendrik henri henrietta henriette henrik henrike henry herbert herman hermann hermine
    herve hilary hilda hilde hildegard hilja hjalmar holger holly hope horst howard hubert hugo huub ian
    ibrahim ida ignace ignacio ignacy igor iker ilaria ilka ilona ilse imke immanuel imogen imran inaki
    ines inez inga inge ingeborg ingmar ingo ingrid inigo inka inmaculada irena irene iria irina iris irma
    irmgard isaac isabel isabela isabella isabelle isidro isla ismael ismail istvan ivan ivana iwona
    izabela jaap jacek jacinto jack jackie jacob jacopo jacqueline jacques jade jadwiga jaime jakob jakub
    james jan jana jane janet janine janusz jarek jaroslaw jasmin jason javi javier jay jayden jean
    jeanette jeanne jeannette jeff jeffrey jelena jenna jennifer jenny jens jeremie jeremy jeroen jerome
    jerry jerzy jesper jesse jessica jessie jesus jette jill jim jimmy jitka joachim joan joana joanna
    joanne joao joaquin jocelyn jochen jodie joe joel joelle joerg johan johann johanna johannes john
    johnny jolanta jolien jon jonas jonathan jonna joost jordi jorg jorge jorgen jori joris jose joseba
    josef josefa josefina josefine joseph josephine josette joshua josip jost joy joyce juan juana judith
    juha jukka jule julia julian juliana juliane julianne julie julien juliette julio julius junior jurgen
    justin justine justus justyna jutta kaare kacper kai kaisa kamil kamila kara karel karen karin karina
    karl karla karol karolina karoline karsten kasia kasper katarina katarzyna kate katharina katharine
    kathe katherine kathi kathleen kathrin kathryn kathy katie katja katrien katrin katrina kay kayla
    keiko keith kelly kelsey kenneth kerry kerstin kevin kiara kieran kilian kim kinga kira kirsten
    kirstin kirsty kjell klaas klara klaudia klaus knut koen konrad konstantin konstanze korbinian
    kornelia kristian kristin kristina kristine kristof kristoffer krystian krystyna krzysztof kurt kyle
    ladislav laila lara larissa larry lars lasse laura laure laurence laurens laurent lauretta lauri
    laurin lea leah lee leif lena leni lenka lennart lenny leo leon leona leonard leonardo leonie leonor
    leopold leszek leticia lewis liam liana lidia lieke liesbeth liese lieselotte lili lilian liliana
    lillian lilly lily lina linda linnea linus lionel lisa lise liv livia lloyd logan loic lois lola
    lorena lorenz lorenzo loretta lori lorraine lothar lotta lotte louis louisa louise lourdes luc luca
    lucas lucia luciana luciano lucie lucien lucy ludger ludovic ludwig luigi luis luisa luise luka lukas
    lukasz luke lutz luuk luz lydia lydie lynn maaike maarten macarena madison mads maelle magali magda
    magdalena magnus maike maite maja malcolm malena malgorzata malin mandy manfred manja manolo manon
    manu manuel manuela marc marcel marceli marcella marcello marcelo marcia marcin marco marcos marcus
    mareike marek maren margaret margarete margaretha margarita margaux margherita margit margitta margot
    margret margrit maria mariam mariana marianne mariano maribel marie marieke mariella mariette marije
    marijke marika marilyn marina marine marinus mario marion marisa marisol marit marja marjan marjolein
    marjorie mark marko markus marleen marlene marlies marlon marsha marta martha martijn martin martina
    martine martti marvin mary maryam maryse massimo mateo mateusz mathias mathieu mathilde matilde mats
    matt matteo matthew matthias matthieu matti mattias maud maurice mauricio maurizio mauro max maxi
    maxim maxime maximilian maximiliano maya mechthild meg megan mehdi mehmet meike melanie melina melinda
    melissa melvin menno mercedes mette mia micaela michael michaela michal michel michelangelo michele
    michelle mick mieczyslaw mieke miguel mihai mika mikael mike mikkel mikko mila milan milena milica
    millie milos mina mira mirco mireille mirella miriam mirja mirjam miroslav miroslaw misha mitchell
    mohamed mohammad mohammed moira mona monica monika monique moritz morten muhammad muriel mustafa
    myriam nadezda nadia nadine nadja nancy nando naomi natacha natalia natalie natalija natasha nathalie
    nathan nathaniel neil nelli nelly neus nicholas nick nicki nico nicola nicolaas nicolai nicolas nicole
    nicoletta niels nieves nika nikita nikki niklas nikola nikolai nikolas nikolaus nils nina nino noa
    noah noel noelia noemi noor nora norbert norma norman nuno nuria octavio odette odile olaf olav olavi
    ole oleg oleksandr olena olga oliver olivia olivier oliwia olle oluf omar ondrej orla orlando ornella
    ortrud oscar oskar osman oswald otmar ottavio otto owen paavo pablo paige palle pamela paola paolo
    pascal pascale pascual patrice patricia patrick patrik patrizia patrycja patryk paul paula paulette
    paulina pauline paulo pavel pavla paz peder pedro peer peggy penelope penny per percy pernille perry
    peter petr petra petri petrus petter phil philip philipp philippa philippe phillip phoebe pia pierre
    pieter pilar pilvi pim piotr piper pirmin poppy priscilla priya przemyslaw quentin quinten quirin
    rachel radoslaw rafael rafal raffaele raffaella ragnar ragnhild raimo raimund rainer raj rajesh ralf
    ralph raluca ramiro ramon ramona randall randy raphael raquel rasmus raul raymond rebecca rebecka
    regina reiner reinhard reinhilde reinhold remi remy renata renate renato renaud rene reto reza rhys
    ria ricarda ricardo riccardo richard riitta rik rita rob robbert robbie robert roberta roberto robin
    rocco rocio rod rodney rodrigo roel rogelio roger roland rolande rolf romain roman romana romeo romy
    ron ronald ronny rosa rosalia rosalie rosario rosemarie rosemary rosie ross roswitha roxana roy ruben
    ruby rudi rudiger rudolf rudy rufus rui rune ruslan russell rutger ruth ryan sabine sabrina sacha
    sally salma salvador salvatore sam samantha sami samir samira samuel samuele sander sandra sandrine
    sandro sanjay sanna sanne santiago sara sarah sari sascha saskia saul savannah saverio scott sean
    sebastiaan sebastian sebastiano sebastien selina selma semih serena serge sergei sergej sergio serkan
    severin severine shane shannon sharon shaun sheila shirley sibel sibylle sid siegfried sigrid sigrun
    sigurd silas silke silvana silvester silvia silvio simo simon simona simone simonetta sina sinead
    sinja siri sirkka sjoerd slawomir snezana sofia soledad solene solveig sondre sonia sonja sophia
    sophie soraya soren spencer stan stanislav stanislaw stefan stefania stefanie stefano steffen stella
    sten stephan stephane stephanie stephen steve steven stig stijn stine sunil sunniva susan susana
    susanne suse suzanna suzanne svea sven svenja svetlana swantje sybille sylvain sylvia sylvie sylwia
    szymon tabea tadeusz taina tamara tamas tammy tania tanja tara tarja tatiana tatjana taylor ted teemu
    teresa tereza terje terry tessa thea theo theodor theodore theresa therese thibault thibaut thiemo
    thierry thijs thilo thomas thorben thore thorsten tiago tiffany tijn till tilman tim timo timon
    timothy tina tineke tino titus tjark tobias tobie todd tom tomas tomasz tommaso tommy toni tonje toon
    torben torbjorn tord tore torsten tove tracy traudel travis trine troels trond trudy turid tyler udo
    ulf ulla ulrich ulrik ulrike umberto urs ursel ursula urszula ute uwe vaclav valentin valentina
    valeria valerie valerio valter vanesa vanessa vasco vasile vaughn veerle vegard veli vera verena
    veronica veronika veronique vibeke vicente vicky victor victoria victorine vidar vigdis viggo viktor
    vilhelm ville vincent vincenzo vinzenz violeta virginia virginie vittoria vivian viviane vivien
    vladimir vlado volker waldemar walter waltraud wanda wayne wei wenche wendelin wendy wenke werner
    wesley wessel wiebke wieslaw wieslawa wiktor wiktoria wilfried wilhelm wilhelmina willem willi william
    willy wilma wilmer wim winfried winston wojciech wolfgang wout wouter xander xavier xenia yann yannick
    yannik yannis yasemin yasmin yesim ylva yolanda youssef yuri yusuf yvan yves yvette yvonne zachary
    zara zbigniew zdenek zenon zita zlatko zoe zofia zuzana zuzanna zygmunt
    """.split()
)
FAMILY_NAMES = frozenset(
    """
    aalto abbott adams aguilar aguirre ahlers ahmed albers albrecht alexander ali allen almeida alonso
    alvarez alves amato andersen anderson andersson andre andres arias armstrong arndt arnold arroyo
    aubert austin backstrom bailey baker bakker baldwin ballard barber barbieri barbosa barker barnes
    baron barrett barros bartels barth basile bates bauer baumann baur bautista beaumont beck becker
    behrens beier bell bender bengtsson benitez bennett benoit berg berger bergh berglund bergmann
    bergstrom bernard berntsen bertram bertrand besson beyer bianchi bishop bjork blanc blanco blom boer
    bohm bonnet bos bosch bosman bouwman boyd bradley brandl brandt braun brennan brewer bright brink
    brooks brouwer brown bruijn brunner bruno bruun bryant buchholz buck burke burns burton busch butler
    byrne calvo cameron campbell campos cano cantu cardenas carlson carlsson carpenter carr carrasco
    carroll carter caruso carvalho castelli castillo castro chambers chan chang chapman chauvin chen
    chevalier choi christensen christian christiansen claes claessens claeys clark clarke coleman collet
    collins colombo conrad conti cook cooper cordero correia cortes costa cox crespo cruz cunningham
    curtis dahl dahlberg daniel daniels davidson davies davis dawson de dean dekker delgado dias diaz diez
    dijk dijkstra diop dixon dominguez doyle drews dubois dudek dumas dumont duncan dunn dupont duran
    durand duval dvorak dyer ebert eckert edwards egger eklund eliasson elliott ellis engel engstrom
    eriksen eriksson ernst espinosa esposito estrada evans ewald fabre farmer faure ferguson fernandes
    fernandez fernando ferrari ferreira ferrer fink fiore fischer fisher fitzgerald fleming fletcher
    flores flynn fontaine forsberg foster fournier fox francois frank franke fransen franz fraser freeman
    freitag friedrich fritz froment frost fuchs fuentes funk gabriel galli gallo garcia gardner garnier
    garrett gauthier geerts geiger gerlach german gerritsen gibson gil gilbert gimenez giordano girard
    giraud glaser goldberg gomes gomez goncalves gonzalez gordon gosselin graf graham graves gray greco
    green greenberg griffin grimm groen groot gross grosse gruber guerin guerrero guillaume guillot
    gunther gustafsson gutierrez haag haas haase hagen hahn hakala hakansson hall hamilton hammer hansen
    hanson hansson harding harper harrington harris harrison hart hartley hartmann harvey haug hauser
    hawkins hayes heikkila heikkinen hein heinonen heinrich heinz heller hellstrom helm hendriks hendrix
    hennig henning henry herman hermans hernandez herrera herrmann hess heuvel hill hinz hjelm hoek
    hoekstra hofer hoffmann hofmann holland holm holmberg holmes holst horn horvath houston howard howell
    huang huber hudson huet hughes huisman humbert hunt hunter iglesias ionescu ivanov ivanova iversen
    jablonski jackson jacobs jaeger jager jahn james janse jansen janssen janssens jansson jarvinen
    jenkins jennings jensen jensson jimenez johannessen johansen johansson johnson joly jonas jones jong
    jonker jonsson jordan jorgensen joshi jost jung kaczmarek kaiser kaminski kamp kappel karl karlsson
    kaya keller kellner kelly kennedy kern kersten khan kim king kirchner klaassen klausen klein klose
    knight knudsen koch kock kohl kohler kok kolb konig koopman korhonen koskinen koster kovacs kowalczyk
    kowalewski kowalska kowalski kraft kramer kraus krause kristensen kristiansen krol kroll kruger kruse
    kuhn kuijpers kuipers kumar kunz kurz kuster kwiatkowski lacroix laine lam lambert lang lange larsen
    larsson lauer laurent lawrence lawson lebrun leclerc lecomte lee lefebvre lefevre legrand legros
    lehmann lehtonen lemaire lemoine lenz leon leonard leroy lewandowski lewis lim lindberg linden
    lindgren lindholm lindqvist link lis little liu lloyd lohmann lombardi lombardo long longo lopes lopez
    lorentz lorenz lowe lucas ludwig luna lund lundberg lundqvist lutz luz lynch macdonald mack madsen
    maes mahler maier majewski makinen malik mancini marc marchand marchetti mariani marin marini marino
    marques marquez marsh marshall martel marti martin martinez martini martins marx mason masson mathieu
    matthews maurer mayer mayr mazur mccarthy mcdonald mckenzie medina meier meijer mejia mendes mendez
    menendez menzel mercier merkel mertens merz meunier meyer meyers michel miller mills mitchell moen
    mohr molina moller monnier montero monti moore morales moreau morel moreno moretti morgan morin morris
    moser mueller mulder muller munch munoz murphy murray myers nagel nagy nash navarro nelson neri
    neubauer neumann newman nguyen nicholls nicolas nielsen niemi nieminen nieto nilsen nilsson noel nolan
    nordin nordstrom novak novotny nowak nowicki nunes nunez nyberg nystrom obrien oliveira oliver olivier
    olsen olson olsson olszewski opitz orlando ortega ortiz ott otto owen owens pacheco pagano page palmer
    papadopoulos paredes parisi park parker pascual patel pauli pavlov pawlak payne pedersen peeters pena
    pereira perez perrin perry persson peters petersen peterson petit pettersson pfeiffer pfister philipp
    phillips pierce pierre pinheiro pinto platz pohl poirier pons popescu porter post powell price prieto
    prins probst quinn rademacher ramirez ramos rasmussen rau rausch raymond reed reid reinhardt renard
    rey reyes reynolds rhodes ribeiro ricci rice richard richter riley rinaldi rios riva rivera rizzo
    roberts robertson robin robinson robles rocha rodrigues rodriguez roger rogers rojas romano romero
    roos rosen rosenberg ross rossi rossler roth rothe rousseau roussel roux royer rubio ruiz russell
    russo rusu ryan saarinen saez salazar salminen salonen salvi sanchez sanders santana santiago santoro
    santos sanz sato sauer saunders sauvage schaefer schafer scherer schiller schlegel schmid schmidt
    schmitt schmitz schneider scholten scholz schott schouten schramm schreiber schreiner schroder
    schubert schuler schulte schultz schulz schulze schumacher schuster schutz schwab schwartz schwarz
    schweizer scott sedlacek segura seidel serra serrano severin shah sharma sharp shaw siebert siegel
    sievers silva simmons simon simons simpson singer singh sjoberg skov smit smith smits snyder soares
    sola solberg soler sommer sorensen soto sousa spencer stahl stark stein steiner stephan stevens
    stewart stone storm strauss strom suarez sullivan sundberg suzuki svendsen svensson svoboda szabo
    szymanski tan tanaka taylor teixeira testa teunissen thiel thomas thomassen thompson thomsen thorne
    tietz torres toth tran trautmann tremblay tucker turner ulrich urban vaillant valentin valentini van
    vargas vasquez vaughan vazquez veenstra vega veit velasco vera verbeek verhoeven vermeer vermeulen
    vester vidal villa vincent virtanen visser vitale vivas vogel vogt voigt voss vries waard wagner wahl
    walker wallace wallin walsh walter walther wang ward warren watanabe watkins watson weaver webb weber
    wegner weis weiss welch wells werner west wheeler white wieczorek wiegand wiese wijaya wijk wilde
    wilhelm wilke willems williams williamson wilson winkler winter winters wisniewski with witte
    wojciechowski wojcik wolf wolff wolters wong wood woods wouters wright wulf wunderlich yang yildiz
    yilmaz young zajac zamora zapata zeller zhang zhao ziegler zielinski zimmer zimmerman zimmermann
    zuniga
    """.split()
)
CITIES = frozenset(
    """
    aachen aalborg aarhus aberdeen adelaide albacete albany albuquerque alicante alkmaar almada almere
    almeria amersfoort amiens amsterdam angeles angers ankara annapolis annecy antonio antwerp antwerpen
    apeldoorn arnhem assen athens atlanta auckland augsburg austin aveiro avignon badajoz baltimore
    bangalore barcelona bari basel basle bath belfast bendigo bergamo bergen berlin bern besancon
    bielefeld bilbao birmingham bochum boise bologna bonn bordeaux boston braga brasilia bratislava
    braunschweig breda bremen bremerhaven brescia brest brighton brisbane bristol brno bruges brugge
    brussel brussels bruxelles bucharest budapest buffalo burgos bydgoszcz caceres cadiz caen cagliari
    cairo calgary cambridge canberra cannes cardiff cartagena catania charleroi charlotte cheltenham
    chemnitz chester chesterfield chicago cincinnati cleveland coimbra colchester cologne columbus
    copenhagen cordoba cork coventry cracow cremona curitiba dallas darmstadt darwin dayton delft delhi
    denver derby detroit deventer diego dijon dordrecht dortmund dover dresden dublin duisburg dundee
    durham dusseldorf edinburgh edmonton eindhoven eisenach emmen enschede erfurt erlangen espoo essen
    evora exeter faro ferrara firenze flensburg florence foggia francisco frankfurt freiburg fulda funchal
    furth galway gdansk gdynia geneva geneve genoa genova gent ghent giessen gijon girona glasgow
    gloucester goteborg gothenburg gottingen gouda granada graz greifswald grenoble groningen guadalajara
    guimaraes haarlem hagen halifax halle halmstad hamburg hamilton hamm hannover hanover hasselt
    heidelberg heilbronn helsingborg helsinki hengelo hereford hildesheim hilversum hobart houston huelva
    hull indianapolis ingolstadt innsbruck inverness ipswich istanbul izmir jacksonville jaen jena jerez
    joensuu johannesburg jonkoping jose jyvaskyla kansas karlsruhe karlstad kassel katowice kiel kiew
    klagenfurt kobenhavn koblenz koln kortrijk krakow krefeld kuopio kyiv kyoto lahti lancaster landshut
    lappeenranta lausanne leeds leeuwarden leicester leiden leipzig leiria leon leuven leverkusen liege
    lille limerick limoges lincoln linkoping linz lisboa lisbon liverpool livorno ljubljana lleida lodz
    logrono london lorient lubeck lublin lucca lucerne ludwigshafen lugano lund luneburg luton luzern lyon
    maastricht madison madrid magdeburg mainz malaga malmo manchester mannheim marbella marburg marseille
    mechelen melbourne memphis messina metz mexico miami middelburg milan milano milwaukee minneapolis
    modena monaco mons montpellier montreal moscow mulhouse mumbai munchen munich munster murcia namur
    nancy nantes naples napoli nashville neuss newcastle newport nice nijmegen nimes norrkoping norwich
    nottingham nuremberg nurnberg oakland oberhausen odense offenbach oldenburg olomouc omaha orebro
    orleans osaka oslo osnabruck ostrava ottawa oulu oviedo oxford paderborn padova padua palermo pamplona
    paris parma passau pau perpignan perth perugia pescara peterborough petersburg pforzheim philadelphia
    phoenix pisa pittsburgh plymouth poitiers portland porto portsmouth potsdam poznan prague praha prato
    preston quebec quimper raleigh ravenna reading regensburg reggio reims remscheid rennes reutlingen
    reykjavik richmond riga rijeka rimini roermond roma rome rosario rosenheim rostock rotterdam rouen
    saarbrucken sacramento salamanca salerno salford salisbury salzburg santander santiago schwerin
    seattle setubal sevilla seville sheffield siegen siena singapore sofia solingen southampton
    springfield stavanger stockholm stoke stralsund strasbourg stuttgart sunderland sundsvall swansea
    swindon sydney szczecin tallinn tampa tampere taranto tarragona tartu tilburg tokyo toledo torino
    toronto torun toulon toulouse tours trento trier trieste trondheim troyes truro tubingen tucson tulsa
    turin turku ulm umea uppsala utrecht valencia valladolid valletta vancouver vantaa varna vasteras
    vegas venezia venice venlo verona versailles viborg vicenza vienna vigo vilnius vitoria wakefield
    warsaw warszawa washington weimar wien wiesbaden winchester winnipeg winterthur wolfsburg
    wolverhampton worcester worms wroclaw wuppertal wurzburg york zaandam zagreb zaragoza zurich zwickau
    zwolle
    """.split()
)
